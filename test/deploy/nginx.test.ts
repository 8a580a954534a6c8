// The nginx configuration that is handed out, run as it is (but for ports, paths and the name) in front of the real
// program: TLS, HTTP/2, the client's address, cookies, uploads and live pictures that are not held back.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../helpers/free-port.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

const name = 'videos.example.org';
const handedOut = fileURLToPath(new URL('../../deploy/nginx/kinora.conf', import.meta.url));
const missing = ['nginx', 'openssl'].filter((program) => spawnSync(program, ['-v']).error !== undefined);
const skip =
  missing.length > 0 &&
  `${missing.join(' and ')} is not on this machine (Debian: apt-get install nginx-light openssl)`;

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: string };

describe('behind nginx', { skip }, () => {
  let folder: string;
  let program: Program;
  let nginx: ChildProcess;
  let port: number;
  let http2: ClientHttp2Session;

  const ask = (method: string, path: string, headers: Record<string, string> = {}, body = '') =>
    new Promise<Answer>((resolve, reject) => {
      const request = httpsRequest(
        {
          ...{
            host: '127.0.0.1',
            port,
            method,
            path,
            servername: name,
            rejectUnauthorized: false,
            agent: false,
          },
          headers: { host: name, ...headers, ...(body && { 'content-length': String(body.length) }) },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece) => {
            text += piece;
          });
          response.on('end', () =>
            resolve({ status: response.statusCode!, headers: response.headers, body: text }),
          );
        },
      );
      request.on('error', reject).end(body);
    });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kinora-nginx-'));
    program = await startProgram({
      settings: {
        ...{ KINORA_AUTH: 'accounts', KINORA_HOST: '127.0.0.1', KINORA_SIGN_UP: 'closed' },
        ...{ KINORA_URL: `https://${name}`, KINORA_TRUSTED_PROXIES: '127.0.0.1' },
      },
    });
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const made = spawnSync('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', `/CN=${name}`, '-keyout', key, '-out', certificate],
    ]);
    assert.equal(made.status, 0, made.stderr.toString());
    port = await freePort();
    const plainPort = await freePort();
    const changed = readFileSync(handedOut, 'utf8')
      .replace('127.0.0.1:5000', new URL(program.url).host.replace('localhost', '127.0.0.1'))
      .replaceAll(/listen \[::\].*\n/g, '\n')
      .replace(/^ +listen 443 /m, `listen 127.0.0.1:${port} `)
      .replace(/^ +listen 80;/m, `listen 127.0.0.1:${plainPort};`)
      .replace('/etc/ssl/kinora/fullchain.pem', certificate)
      .replaceAll('/var/log/nginx/kinora.log', join(folder, 'access.log'))
      .replace('/etc/ssl/kinora/privkey.pem', key);
    const file = join(folder, 'nginx.conf');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${join(folder, kind)};`,
    );
    writeFileSync(
      file,
      `daemon off; pid ${join(folder, 'pid')}; error_log stderr; worker_processes 1; events {}
http { access_log off; ${temporary.join(' ')}
${changed}
}`,
    );
    nginx = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
    await until(async () => (await ask('GET', '/livez')).status === 200, {
      timeoutMs: 60_000,
      what: 'nginx',
    });
    http2 = connect(`https://127.0.0.1:${port}`, { servername: name, rejectUnauthorized: false });
  });

  after(async () => {
    http2?.destroy();
    nginx?.kill('SIGTERM');
    if (nginx?.exitCode === null) await once(nginx, 'exit');
    await program?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test('HTTP/2 is spoken, and browsers are told to come by HTTPS only', async () => {
    const stream = http2.request({ ':path': '/login', ':authority': name, accept: 'text/html' });
    const [headers] = await once(stream, 'response');
    assert.match(String(headers['strict-transport-security']), /^max-age=\d{8,}/);
    stream.close();
  });

  test('nobody is "this machine" behind a proxy: the first account takes the code on the console', async () => {
    const account = JSON.stringify({
      name: 'Eve',
      email: 'eve@example.org',
      password: 'a long enough phrase of hers',
    });
    const json = { 'content-type': 'application/json', origin: `https://${name}` };
    const refused = await ask('POST', '/api/auth/sign-up/email', json, account);
    assert.equal(refused.status, 403, refused.body);
    const code = /code\S*\W+([0-9A-Z]{4}-?[0-9A-Z]{4})/i.exec(program.output())?.[1];
    assert.ok(code, program.output());
    const owner = JSON.stringify({
      ...{
        name: 'Ana',
        email: 'ana@example.org',
        password: 'lamp over the quiet harbour 9',
        setupCode: code,
      },
    });
    const made = await ask('POST', '/api/auth/sign-up/email', json, owner);
    assert.equal(made.status, 200, made.body);
    const cookies = [made.headers['set-cookie'] ?? []].flat();
    const session = cookies.find((cookie) => cookie.includes('kinora.session'));
    assert.match(session ?? '', /; Secure/i);
    assert.match(session ?? '', /; HttpOnly/i);
    assert.match(session ?? '', /; SameSite=Lax/i);
  });

  test('what a client says of its own address counts for nothing', async () => {
    const wrong = JSON.stringify({ email: 'ana@example.org', password: 'not this one at all' });
    const statuses = new Set<number>();
    for (let attempt = 0; attempt < 40 && !statuses.has(429); attempt++) {
      const headers = {
        ...{ 'content-type': 'application/json', origin: `https://${name}` },
        ...{ 'x-forwarded-for': `198.51.100.${attempt}`, 'x-real-ip': `198.51.100.${attempt}` },
      };
      statuses.add((await ask('POST', '/api/auth/sign-in/email', headers, wrong)).status);
    }
    assert.ok(statuses.has(429), `one address tries for ever: ${[...statuses]}`);
  });

  test('a page of another site changes nothing', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' };
    const answer = await ask('POST', '/login', headers, 'login=ana%40example.org&password=x');
    assert.equal(answer.status, 403);
  });

  test('the access log has no secret of an address: of a link, an invite, a new password, whatever is sent along', async () => {
    const secret = 'Zq3Zq3Zq3Zq3Zq3Zq3Zq3Zq3Zq3';
    const page = { accept: 'text/html', referer: `https://${name}/sign-up?invite=${secret}` };
    for (const path of [
      `/l/${secret}`,
      `/l/${secret}/video.mp4?x=1`,
      `//l/${secret}`,
      `/%6c/${secret}`,
      `/videos/../l/${secret}`,
      `/sign-up?invite=${secret}`,
      `/reset?token=${secret}`,
      `/tv?code=${secret}`,
    ])
      await ask('GET', path, page);
    await ask('GET', '/readyz', page);
    const log = () => readFileSync(join(folder, 'access.log'), 'utf8');
    await until(async () => log().includes('/readyz'), { timeoutMs: 10_000, what: 'a line of the log' });
    assert.match(log(), /"GET \/sign-up" 403/);
    assert.ok(!log().includes(secret), log());
  });
});
