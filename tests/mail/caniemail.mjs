// What do the major mail programs not support? Prints {client: [feature, ...]} for one HTML file.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [packages, file] = process.argv.slice(2);
const { caniemail } = await import(pathToFileURL(`${packages}/caniemail/dist/index.js`));
const html = readFileSync(file, "utf8");
const clients = [
  "gmail.desktop-webmail", "gmail.ios", "gmail.android", "apple-mail.macos", "apple-mail.ios",
  "outlook.windows", "outlook.macos", "outlook.ios", "outlook.android", "outlook.outlook-com",
  "yahoo.desktop-webmail", "yahoo.ios", "yahoo.android", "samsung-email.android", "protonmail.desktop-webmail",
];
const unsupported = (client) =>
  [...caniemail({ clients: [client], html }).issues.errors.values()].flat().map((issue) => issue.title);
console.log(JSON.stringify(Object.fromEntries(clients.map((client) => [client, [...new Set(unsupported(client))]]))));
