// Debian's nginx with the configuration that is handed out, run as it is but for ports, paths and the name of the
// upstream. Everything it writes lies in one temporary folder; it ends with `close`.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as requestHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

const handedOut = fileURLToPath(new URL('../../deploy/nginx/', import.meta.url));
const perlModule = '/usr/lib/nginx/modules/ngx_http_perl_module.so';

/** Why the tests that need nginx cannot run here; false where they can. */
export function missingNginx(): string | false {
  const missing = ['nginx', 'openssl'].filter((program) => spawnSync(program, ['-v']).error !== undefined);
  if (missing.length === 0) return false;
  return `${missing.join(' and ')} is not on this machine (Debian: apt-get install nginx-light openssl)`;
}

/** The same for nginx's Perl module, which sends stretches of files. */
export function missingPerlModule(): string | false {
  if (missingNginx() !== false) return missingNginx();
  const hint = 'Debian: apt-get install libnginx-mod-http-perl';
  return existsSync(perlModule) ? false : `nginx's Perl module is not on this machine (${hint})`;
}

export type NginxOptions = {
  /** Host and port of the program behind it. */
  readonly upstream: string;
  /** KINORA_DATA/blobs, for KINORA_ACCEL. */
  readonly blobsFolder?: string;
  /** It says that it can send no files. */
  readonly isWithoutAccel?: boolean;
  /** Views and clips too, by the Perl module. */
  readonly slices?: boolean;
  /** Plain HTTP instead of TLS, for a load client that speaks no TLS. */
  readonly isPlain?: boolean;
  readonly workers?: number;
};

export type Nginx = {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  readonly accessLog: () => string;
  close(): Promise<void>;
};

export const serverName = 'videos.example.org';

export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'kinora-nginx-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-subj', `/CN=${serverName}`, '-keyout', key, '-out', certificate];
  const made = spawnSync('openssl', ['req', '-x509', ...curve, ...files]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, { ...options, port, plainPort: await freePort() }));
  const child = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http${options.isPlain ? '' : 's'}://127.0.0.1:${port}`;
  const close = async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(() => child.exitCode !== null || isListening(port, options.isPlain ?? false), {
      ...{ timeoutMs: 30_000, what: 'nginx' },
    });
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
  } catch (error) {
    await close();
    throw error;
  }
  const accessLog = () => readFileSync(join(folder, 'access.log'), 'utf8');
  return { url, pid: child.pid!, port, accessLog, close };
}

async function isListening(port: number, isPlain: boolean): Promise<boolean> {
  if (isPlain) return (await fetch(`http://127.0.0.1:${port}/livez`)).status > 0;
  return new Promise((resolve, reject) => {
    const asked = requestHttps({
      host: '127.0.0.1',
      port,
      path: '/livez',
      rejectUnauthorized: false,
      agent: false,
    });
    asked.on('response', (response) => {
      response.resume();
      resolve(true);
    });
    asked.on('error', reject).end();
  });
}

function configuration(
  folder: string,
  {
    upstream,
    blobsFolder,
    slices,
    isWithoutAccel,
    port,
    plainPort,
    isPlain,
    workers = 1,
  }: NginxOptions & { port: number; plainPort: number },
): string {
  const read = (name: string) =>
    blobsFolder === undefined
      ? readFileSync(join(handedOut, name), 'utf8')
      : readFileSync(join(handedOut, name), 'utf8').replaceAll(
          'alias /var/lib/kinora/blobs/;',
          `alias ${quoted(`${blobsFolder}/`)};`,
        );
  let text = read('kinora.conf')
    .replace('127.0.0.1:5000', upstream)
    .replaceAll(/listen \[::\].*\n/g, '\n')
    .replace(/^ +listen 443 ssl http2/m, `listen 127.0.0.1:${port} ${isPlain ? '' : 'ssl http2'}`)
    .replace(/^ +listen 80;/m, `listen 127.0.0.1:${plainPort};`)
    .replaceAll('/var/log/nginx/kinora.log', join(folder, 'access.log'))
    .replace('/etc/ssl/kinora/fullchain.pem', join(folder, 'certificate.pem'))
    .replace('/etc/ssl/kinora/privkey.pem', join(folder, 'key.pem'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  let perl = '';
  if (isWithoutAccel) text = text.replace('X-Kinora-Accel "files"', 'X-Kinora-Accel ""');
  if (slices) {
    writeFileSync(join(folder, 'kinora-slices.conf'), read('kinora-slices.conf'));
    text = text
      .replace('# include /etc/nginx/kinora-slices.conf;', `include ${join(folder, 'kinora-slices.conf')};`)
      .replace('X-Kinora-Accel "files"', 'X-Kinora-Accel "files slices"');
    perl = `perl_modules ${quoted(handedOut)}; perl_require KinoraSlice.pm;`;
  }
  return [
    slices ? `load_module ${perlModule};` : '',
    // Started by root, its workers run as somebody who may read what the group may, as they do where it is installed.
    process.getuid?.() === 0 ? 'user nobody root;' : '',
    `daemon off; pid ${join(folder, 'pid')}; error_log stderr; worker_processes ${workers}; events {}`,
    `http { access_log off; ${temporary.join(' ')} ${perl}\n${text}\n}`,
  ].join('\n');
}

const quoted = (path: string) => `"${path}"`;
