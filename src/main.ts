// The program: words on the command line to a command. The newer Node is already found (see scripts/start.mjs).
import { setFlagsFromString } from 'node:v8';

// The young generation keeps its first size. Pieces of uploads die young, outside of V8's heap, and only its
// collections free them: with room to grow, ten uploads at once hold 60 MB of dead pieces.
setFlagsFromString('--semi-space-growth-factor=1');
// It must be so before it grows: ten uploads of 2 GB at once take 29 MiB, and 78 where it is set after the start.

const [word = 'serve', ...rest] = process.argv.slice(2);

switch (word) {
  case 'serve':
    await (await import('./commands/serve.ts')).serve(rest);
    break;
  case 'check':
    process.exitCode = await (await import('./commands/check.ts')).check(rest);
    break;
  case 'health':
    process.exitCode = await (await import('./commands/health.ts')).health(rest);
    break;
  case 'move':
    process.exitCode = await (await import('./commands/move.ts')).moveCommand(rest);
    break;
  case 'user':
    process.exitCode = await (await import('./commands/user.ts')).user(rest);
    break;
  case 'token':
    process.exitCode = await (await import('./commands/token.ts')).token(rest);
    break;
  case 'help':
  case '--help':
  case '-h':
    (await import('./commands/help.ts')).help();
    break;
  case '--version':
    (await import('./commands/help.ts')).version();
    break;
  default:
    console.error(`kinora: "${word}" is not a command; kinora --help lists them`);
    process.exitCode = 2;
}
