// The program: words on the command line to a command. The newer Node is already found (see scripts/start.mjs).

const [word = 'serve', ...rest] = process.argv.slice(2);

switch (word) {
  case 'serve':
    await (await import('./commands/serve.ts')).serve(rest);
    break;
  case 'check':
    process.exitCode = await (await import('./commands/check.ts')).check(rest);
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
