// The shapes of request smuggling through the nginx configuration that is handed out, which keeps connections to Kinora
// and shares them between clients: whoever comes after such a request gets the answer to their own.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { freePort } from '../helpers/free-port.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { refused } from '../helpers/smuggling-shapes.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const handedOut = fileURLToPath(new URL('../../deploy/nginx/kinora.conf', import.meta.url));
const missing = ['nginx', 'openssl'].filter((program) => spawnSync(program, ['-v']).error !== undefined);
const skip =
  missing.length > 0 &&
  `${missing.join(' and ')} is not on this machine (Debian: apt-get install nginx-light openssl)`;

describe('behind nginx', { skip }, () => {
  let program: Program;
  let nginx: ChildProcess;
  let port: number;

  /** Sends bytes over TLS as HTTP/1.1 and resolves to all that comes until `isDone` or the end. */
  async function send(bytes: string, isDone: (text: string) => boolean): Promise<string> {
    const socket = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    let text = '';
    let isOver = false;
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      isOver = true;
    });
    await once(socket, 'secureConnect');
    socket.write(Buffer.from(bytes, 'latin1'));
    await until(() => isOver || isDone(text), { what: `an answer to ${bytes.slice(0, 100)}` });
    socket.destroy();
    return text;
  }
  const statusesIn = (text: string) =>
    [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
  /** How often Kinora itself answered `/livez`. */
  const answeredLivez = async () => {
    const text = await (await fetch(`${program.url}/metrics`)).text();
    const lines = text.matchAll(
      /^kinora_http_request_seconds_count\{[^}]*route="\/livez",status="200"\} (\d+)$/gm,
    );
    return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  before(async () => {
    const folder = await temporaryFolder();
    program = await startProgram({ settings: { KINORA_AUTH: 'none', KINORA_TRUSTED_PROXIES: '127.0.0.1' } });
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const files = ['-subj', '/CN=localhost', '-keyout', key, '-out', certificate];
    const made = spawnSync('openssl', ['req', '-x509', ...curve, ...files]);
    assert.equal(made.status, 0, made.stderr.toString());
    port = await freePort();
    const changed = readFileSync(handedOut, 'utf8')
      .replace('127.0.0.1:5000', new URL(program.url).host.replace('localhost', '127.0.0.1'))
      .replaceAll(/listen \[::\].*\n/g, '\n')
      .replace(/^ +listen 443 /m, `listen 127.0.0.1:${port} `)
      .replace(/^ +listen 80;/m, `listen 127.0.0.1:${await freePort()};`)
      .replace('/etc/ssl/kinora/fullchain.pem', certificate)
      .replaceAll('/var/log/nginx/kinora.log', join(folder, 'access.log'))
      .replace('/etc/ssl/kinora/privkey.pem', key);
    const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const temporary = kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`).join(' ');
    const file = join(folder, 'nginx.conf');
    const head = `daemon off; pid ${join(folder, 'pid')}; error_log ${join(folder, 'log')}; worker_processes 1; events {}`;
    writeFileSync(file, `${head}\nhttp { access_log off; ${temporary}\n${changed}\n}`);
    nginx = spawn('nginx', ['-p', folder, '-c', file], { stdio: 'ignore' });
    const ask = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    await until(async () => (await send(ask, () => false)).startsWith('HTTP/1.1 200'), {
      ...{ timeoutMs: 30_000, what: 'nginx' },
    });
  });
  after(async () => {
    nginx?.kill('SIGTERM');
    if (nginx?.exitCode === null) await once(nginx, 'exit');
    await program?.close();
  });

  test('no hidden request is served that nginx did not see, and nobody gets another’s answer', async () => {
    assert.ok((await answeredLivez()) > 0, 'the requests are counted');
    for (const [what, bytes] of refused) {
      const before = await answeredLivez();
      // The end of the attacker's connection is asked for behind all of it.
      const last = 'GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
      const text = await send(bytes + last, () => false).catch(async () => '');
      const seen = statusesIn(text).filter((status) => status === 200).length;
      for (let victim = 0; victim < 3; victim += 1) {
        const own = `GET /nowhere-${victim} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
        const answer = await send(own, () => false);
        assert.deepEqual(statusesIn(answer), [404], `${what}: ${answer}`);
      }
      const served = (await answeredLivez()) - before;
      assert.ok(served <= seen, `${what}: ${served} were served and ${seen} answered\n${text}`);
    }
  });
});
