export default {
  // The folder of this example, and not a parent folder that has a lockfile.
  turbopack: { root: import.meta.dirname },
  devIndicators: false,
};
