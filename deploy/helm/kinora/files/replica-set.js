// Makes a MongoDB a replica set of one, and the program's user in it; all of it may be run again. Run by mongosh, of the
// chart's bundled database and of compose.yaml. Ends with 1 where it is not done yet.
// biome-ignore lint/style/useNodejsImportProtocol: older shells of MongoDB do not know the other spelling.
const fs = require('fs');

const read = (name) => fs.readFileSync(`/secrets/${name}`, 'utf8').trim();
const admin = db.getSiblingDB('admin');
admin.auth('root', read('root-password'));
try {
  rs.status();
} catch (error) {
  if (error.codeName !== 'NotYetInitialized') throw error;
  rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: process.env.REPLICA_SET_HOST }] });
}
for (let tries = 0; tries < 40 && !db.hello().isWritablePrimary; tries++) sleep(250);
if (!db.hello().isWritablePrimary) quit(1);
const kinora = db.getSiblingDB('kinora');
const person = { pwd: read('password'), roles: [{ role: 'readWrite', db: 'kinora' }] };
if (kinora.getUser('kinora')) kinora.updateUser('kinora', person);
else kinora.createUser({ user: 'kinora', ...person });
