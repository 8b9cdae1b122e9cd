// Parses the AsyncAPI document on standard input; prints what the standard's parser has to say about it, as JSON.
// The argument is the folder that the parser is installed in.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { join, resolve } = require("node:path");

const { Parser } = createRequire(join(resolve(process.argv[2]), "package.json"))("@asyncapi/parser");

new Parser().parse(readFileSync(0, "utf8")).then(({ document, diagnostics }) => {
  const channels = document ? document.channels().all() : [];
  process.stdout.write(
    JSON.stringify({
      diagnostics: diagnostics.map(({ code, message, path, severity }) => ({ code, message, path, severity })),
      messages: Object.fromEntries(
        channels.map((channel) => [channel.address(), channel.messages().all().map((message) => message.name())]),
      ),
    }),
  );
});
