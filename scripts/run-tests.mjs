// Runs test files, each in a process of its own, in the order in which they are given (`node --test` sorts them), and
// says what came of them: `run-tests.mjs CONCURRENCY FILE ...`.
import { run } from 'node:test';
import { spec as Spec } from 'node:test/reporters';

const [concurrency, ...files] = process.argv.slice(2);
const tests = run({
  files,
  concurrency: Number(concurrency),
  // A test that hangs is a failure, not a wait: the slowest file takes about a minute on two cores.
  timeout: 300_000,
  // One that failed half way may have left a server open: its process ends all the same.
  execArgv: ['--test-force-exit'],
});
// Of all files together, where it names none.
tests.on('test:summary', ({ file, success }) => {
  if (file === undefined) process.exitCode = success ? 0 : 1;
});
process.exitCode = 1;
tests.compose(new Spec()).pipe(process.stdout);
