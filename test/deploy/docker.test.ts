// The Dockerfile, read as a builder reads it: stages, user, no shell where it runs, and that what it copies is there.
// test/deploy/docker-image.test.ts builds and runs it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSettings } from '../../src/settings.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

type Step = { readonly word: string; readonly rest: string };
type Stage = { readonly from: string; readonly name: string | null; readonly steps: readonly Step[] };

/** Instructions, long lines joined, without comments. */
function readStages(): readonly Stage[] {
  const lines = read('deploy/docker/Dockerfile')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: (Stage & { steps: Step[] })[] = [];
  for (const line of lines) {
    const [, word = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    assert.ok(word, `an instruction: ${line}`);
    const [, from, name = null] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
    if (word === 'FROM') stages.push({ from: from!, name, steps: [] });
    else stages.at(-1)?.steps.push({ word, rest });
  }
  return stages;
}

const stages = readStages();
const last = stages.at(-1)!;
const only = (stage: Stage, word: string) => stage.steps.filter((step) => step.word === word);
const environment = Object.fromEntries(
  only(last, 'ENV').flatMap(({ rest }) =>
    [...rest.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
  ),
) as Record<string, string>;

test('it begins with what build arguments say, a public image by default', () => {
  assert.deepEqual(
    stages.map(({ from, name }) => [from, name]),
    [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a builder's placeholders, not ours.
      ...[['${BASE_IMAGE}', 'packages']],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the same.
      ...['made', null].map((name) => ['${RUNTIME_IMAGE}', name]),
    ],
  );
  assert.match(read('deploy/docker/Dockerfile'), /^ARG BASE_IMAGE=node:24-slim$/m);
});

test('packages are those of the lock file without what only developers need, and none of their scripts is run', () => {
  const [run] = only(stages[0]!, 'RUN');
  assert.match(run!.rest, /npm ci --omit=dev --include=optional --ignore-scripts/);
});

test('it runs as a numeric user, and asks for no shell: not to start, not to be asked, not to be made', () => {
  assert.deepEqual(
    only(last, 'USER').map(({ rest }) => rest),
    ['10001:10001'],
  );
  assert.deepEqual(only(last, 'RUN'), [], 'the last stage may be an image without a shell');
  for (const { rest } of [...only(stages[1]!, 'RUN'), ...only(last, 'ENTRYPOINT'), ...only(last, 'CMD')])
    assert.ok(Array.isArray(JSON.parse(rest)), rest);
  const [health] = only(last, 'HEALTHCHECK');
  assert.deepEqual(JSON.parse(/CMD (.*)$/.exec(health!.rest)![1]!), ['node', 'src/main.ts', 'health']);
  assert.deepEqual(
    only(last, 'STOPSIGNAL').map(({ rest }) => rest),
    ['SIGTERM'],
  );
});

test('what it copies is there, and reaches the builder', () => {
  const ignored = read('.dockerignore').split('\n');
  for (const stage of stages) {
    for (const { rest } of only(stage, 'COPY')) {
      const words = rest.split(' ').filter((word) => !word.startsWith('--'));
      const stageName = /--from=(\S+)/.exec(rest)?.[1];
      if (stageName)
        assert.ok(
          stages.some(({ name }) => name === stageName),
          rest,
        );
      else
        for (const source of words.slice(0, -1)) {
          assert.ok(existsSync(join(root, source)), source);
          assert.ok(ignored.includes(`!${source}`), `${source} stands in .dockerignore`);
        }
    }
  }
});

test('nothing is written but to its two folders: the data folder is a volume, everything else is made beforehand', () => {
  const config = readSettings(environment, root, false);
  assert.equal(config.data.folder, '/data');
  assert.deepEqual(
    only(last, 'VOLUME').map(({ rest }) => JSON.parse(rest)),
    [['/data']],
  );
  assert.equal(environment.HOME, '/tmp');
  assert.equal(config.server.port, 5000);
  assert.ok(config.server.isPortFixed);
  assert.match(environment.NODE_COMPILE_CACHE!, /^\/kinora\/node_modules\/\.cache\//);
});

test('its labels are those of the Open Container Initiative, with the version of the program', () => {
  const labels = only(last, 'LABEL').map(({ rest }) => rest);
  for (const name of ['title', 'description', 'licenses', 'version', 'revision', 'created', 'source'])
    assert.ok(labels[0]?.includes(`org.opencontainers.image.${name}=`), name);
});
