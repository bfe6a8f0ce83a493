export default {
  group: "Bundlers",
  name: "Parcel",
  tools: ["parcel"],
  rows: [
    { name: "build", kind: "page", build: "parcel build src/index.html", files: { dir: "dist" } },
    {
      name: "build, in a subpath",
      kind: "page",
      build: "parcel build src/index.html --public-url /sub/path/",
      files: { dir: "dist", base: "/sub/path/" },
      path: "/sub/path/",
    },
    { name: "dev server", kind: "page", serve: "parcel serve src/index.html --port {port}" },
    {
      name: "build, seamline/plain",
      kind: "page",
      build: "parcel build src/plain.html",
      files: { dir: "dist" },
      path: "/plain.html",
    },
    {
      name: "build, seamline/slim",
      kind: "page",
      build: "parcel build src/slim.html",
      files: { dir: "dist" },
      path: "/slim.html",
    },
  ],
};
