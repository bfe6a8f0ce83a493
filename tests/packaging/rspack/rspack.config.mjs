import { rspack } from "@rspack/core";

export default {
  plugins: [new rspack.HtmlRspackPlugin({ templateContent: "<link rel=icon href=data:,><ol></ol>" })],
};
