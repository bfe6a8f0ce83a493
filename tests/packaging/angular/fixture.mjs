const env = { NG_CLI_ANALYTICS: "false" };

export default {
  group: "Frameworks",
  name: "Angular",
  tools: ["@angular/core", "@angular/build"],
  rows: [
    { name: "ng serve, rendered on the server", kind: "page", serve: "ng serve --port {port}", env },
    {
      name: "ng build, rendered on the server",
      kind: "page",
      build: "ng build",
      serve: "node dist/app/server/server.mjs",
      env,
    },
  ],
};
