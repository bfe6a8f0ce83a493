export default {
  group: "Frameworks",
  name: "React",
  tools: ["react", "vite"],
  versions: { package: ["react", "react-dom"], list: ["18.3.1", "19.3.1"] },
  rows: [
    {
      name: "seamline/react, dev",
      kind: "page",
      clean: ["node_modules/.vite"],
      serve: "vite --port {port} --strictPort",
    },
    { name: "seamline/react, build", kind: "page", build: "vite build", files: { dir: "dist" } },
  ],
};
