// For compose.yaml: makes the passwords of the database and of the program, each once, and lets only those read them who
// need them. Run again it changes nothing. make-secrets.mjs <folder of the program> <folder of MongoDB>
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** The users of the two images. */
const owners = { kinora: 10001, mongodb: 999 };

const [kinora, mongodb] = process.argv.slice(2);
if (!kinora || !mongodb) throw new Error('say both folders');

make(join(mongodb, 'root-password'), owners.mongodb, () => random(24));
make(join(mongodb, 'keyfile'), owners.mongodb, () => random(384));
const password = make(join(mongodb, 'password'), owners.mongodb, () => random(24));
make(
  join(kinora, 'kinora.env'),
  owners.kinora,
  () =>
    `MONGODB_URL=mongodb://kinora:${password}@mongodb:27017/kinora?replicaSet=rs0&authSource=kinora\n` +
    `KINORA_AUTH_SECRET=${random(36)}\n`,
);

/** Letters and digits enough for an address, a file of keys and a file of settings. */
function random(bytes) {
  return randomBytes(bytes).toString('base64').replaceAll(/[+/=]/g, 'x');
}

/** What the file holds; made where it is not there, in one step, so that a cut start leaves none half written. */
function make(path, owner, content) {
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, content(), { mode: 0o400 });
    if (process.getuid?.() === 0) chownSync(`${path}.new`, owner, owner);
    renameSync(`${path}.new`, path);
  }
  return readFileSync(path, 'utf8').trim();
}
