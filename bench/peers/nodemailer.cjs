// nodemailer as its manual recommends for many mails: one pooled transport, a message built for each reader.
// node nodemailer.cjs PORT MAILS CONNECTIONS BODY: prints microseconds of CPU a mail and mails a second.
const fs = require("fs");
const { createTransport } = require(require.resolve("nodemailer", { paths: [process.cwd()] }));

const [port, mails, connections, body] = process.argv.slice(2);
const { text, html } = JSON.parse(fs.readFileSync(body, "utf8"));
const transport = createTransport({
  host: "127.0.0.1", port: Number(port), secure: false, ignoreTLS: true,
  pool: true, maxConnections: Number(connections), maxMessages: Infinity,
});

async function main() {
  const started = process.hrtime.bigint(), cpuBefore = process.cpuUsage();
  await Promise.all(Array.from({ length: Number(mails) }, (_, n) => transport.sendMail({
    from: "digest@papers.example", to: `reader${n}@example.com`, subject: `Twelve papers for reader ${n}`,
    text: text.replaceAll("READER", n), html: html.replaceAll("READER", n),
  })));
  const used = process.cpuUsage(cpuBefore), seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(JSON.stringify({ cpu: (used.user + used.system) / mails, rate: mails / seconds }));
  transport.close();
}
main();
