const { connect } = require("seamline");

test("follows a channel", async () => {
  const client = connect(process.env.SEAMLINE_URL);
  const texts = [];
  for await (const { data } of client.channel("fixture", { from: "start" })) {
    process.stdout.write(`message: ${data.text}\n`);
    if (texts.push(data.text) === 4) break;
  }
  await client.close();
  expect(texts).toEqual(["one", "two", "three", "four"]);
}, 60_000);
