// `npm test`: brings what the tests need, then lint, types and every test. Arguments are test files to run alone:
// `npm test -- test/http/range.test.ts`.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileCache, ensureInstalled, findNode, root, runNodeAndWait, say } from './setup.mjs';

ensureInstalled();
const chromium = ensureChromium();
const chosen = process.argv.slice(2);

if (chosen.length === 0) {
  const status = runNodeAndWait([join(root, 'scripts', 'check.mjs'), '--verify']);
  if (status !== 0) process.exit(status);
}
/**
 * Taken in this order before all others, so that no long one is left alone at the end; those of `cluster`, which start
 * eight processes each, apart from one another.
 */
const longest = [
  ...['cluster/kills', 'e2e/live-latency', 'web/browser', 'media/round-trip', 'cluster/rolling'],
  ...['web/accounts-browser', 'cameras/rtsp', 'e2e/camera-sound', 'cluster/database', 'e2e/links'],
  ...['e2e/wall', 'http/tus-replicas', 'e2e/program', 'cluster/paused', 'e2e/sharing'],
  ...['e2e/accounts-command', 'e2e/television', 'e2e/log-in', 'cameras/process-drivers', 'e2e/first-start'],
  ...['e2e/sharing-plain', 'library/replicas', 'blobs/gridfs-reading', 'e2e/player', 'cameras/soak'],
].map((name) => join(root, 'test', `${name}.test.ts`));
const files = chosen.length > 0 ? chosen : testFiles(join(root, 'test'));
// Each file is a process, and many of them start the program: compiled code is kept, or a third of the run goes there.
const kept = { NODE_COMPILE_CACHE: compileCache, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' };
if (chosen.length === 0) compileProgram();
// Films that several files ask for are made once.
const media = mkdtempSync(join(tmpdir(), 'kinora-media-'));
const database = await startDatabase();
const helmOutcome = join(media, 'helm');
// helm takes five minutes of CPU to build, once, which two cores have not to spare in the time that a run may take:
// there the one that an earlier run built is used, or none, and that is said.
const isHelmAsked = process.env.KINORA_TEST_HELM === '1' || availableParallelism() >= 4;
const builder = chosen.length === 0 && isHelmAsked ? startBuilder() : null;
const status = runNodeAndWait(
  [
    join(root, 'scripts', 'run-tests.mjs'),
    // One more than there are cores: cameras, drains and silences are waited for. Files bear it that others work.
    String(Math.min(4, availableParallelism() + 1)),
    ...files,
  ],
  {
    ...{ CHROMIUM: chromium, KINORA_TEST_MEDIA: media, ...kept, ...database.environment },
    ...(builder && { KINORA_TEST_HELM_OUTCOME: helmOutcome }),
    ...(!builder && chosen.length === 0 && { KINORA_TEST_HELM: process.env.KINORA_TEST_HELM ?? 'built' }),
  },
);
builder?.kill();
rmSync(media, { recursive: true, force: true });
say(database.said);
process.exit(status);

/** The tests kill the programs they start, and what is killed keeps nothing of what it compiled. */
function compileProgram() {
  const loads = [
    'src/commands/serve.ts',
    'src/app.ts',
    'src/accounts/local/engine-options.ts',
    'src/stores/cluster-stores.ts',
  ];
  const script = loads.map((path) => `await import('./${path}');`).join('');
  runNodeAndWait(['--input-type=module', '--eval', script], kept);
}

/** helm takes minutes to build, once: with what the tests leave of the machine, while they run. */
function startBuilder() {
  return spawn(findNode(), [join(root, 'test/deploy/kubernetes/build.ts'), helmOutcome], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
}

function testFiles(folder) {
  const found = readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .sort();
  const first = longest.filter((path) => found.includes(path));
  const last = found.filter((path) => path.endsWith('deploy/helm.test.ts'));
  return [...first, ...found.filter((path) => ![...first, ...last].includes(path)), ...last];
}

/** The path of a Chromium: $CHROMIUM, one that is installed, or Debian's, brought here where that is allowed. */
function ensureChromium() {
  const known = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  const found = () => known.find((path) => path && existsSync(path));
  const first = found();
  if (first) return first;
  const advice =
    'The tests drive a real Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path.';
  if (!existsSync('/usr/bin/apt-get'))
    return failWith(`no Chromium here, and no apt-get to bring one. ${advice}`);
  const isRoot = process.getuid?.() === 0;
  const sudo =
    !isRoot && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : [];
  if (!isRoot && sudo.length === 0)
    return failWith(`no Chromium here, and installing it takes root. ${advice}`);
  say("no Chromium here: installing Debian's (once) ...");
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const [command, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    if (spawnSync(command, rest, { stdio: ['ignore', 2, 2] }).status !== 0)
      return failWith(`apt-get ${args[0]} failed. ${advice}`);
  }
  return found() ?? failWith(`Chromium was installed but is not where it should be. ${advice}`);
}

function failWith(text) {
  say(text);
  process.exit(1);
}

/** One database for all tests that need one: a JVM or a mongod for each file would take longer than the tests. */
async function startDatabase() {
  const given = process.env.KINORA_TEST_MONGODB_URL;
  if (given)
    return { environment: {}, said: 'The database of the tests was the one of KINORA_TEST_MONGODB_URL.' };
  say('bringing a database for the tests ...');
  const child = spawn(findNode(), [join(root, 'test/helpers/mongo/serve.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  const line = await new Promise((resolve) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more) => {
      text += more;
      if (text.includes('\n')) resolve(text);
    });
    child.once('exit', () => resolve(text));
  });
  child.stdout.destroy();
  const { url, name, why } = JSON.parse(line || '{"why":"the database for the tests did not start"}');
  if (url)
    return { environment: { KINORA_TEST_MONGODB_URL: url }, said: `The database of the tests was ${name}.` };
  return {
    environment: { KINORA_TEST_NO_MONGODB: why },
    said: `There was no database: the tests that need one were skipped. ${why}`,
  };
}
