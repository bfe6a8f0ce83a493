const HtmlPlugin = require("html-webpack-plugin");

module.exports = {
  plugins: [new HtmlPlugin({ templateContent: "<link rel=icon href=data:,><ol></ol>", scriptLoading: "defer" })],
};
