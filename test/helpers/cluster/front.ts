// nginx in front of the web replicas: requests go round, and one that could not be put to a replica goes to the next. No
// replica is taken for dead meanwhile (max_fails=0): one that has just come back would be left out when another goes.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { until } from '../until.ts';

export type Front = {
  readonly url: string;
  /** Other replicas from now on; running answers go on (nginx's reload). */
  lead(ports: readonly number[]): void;
  /** What it has noted of requests that did not go as they should. */
  errors(): string;
  close(): Promise<void>;
};

/** Why there can be none here; false where there can. */
export function missingFront(): string | false {
  const isThere = spawnSync('nginx', ['-v']).error === undefined;
  return isThere ? false : 'nginx is not on this machine (Debian: apt-get install nginx-light)';
}

export async function startFront(ports: readonly number[]): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'kinora-front-'));
  const file = join(folder, 'nginx.conf');
  const port = await freePort();
  writeFileSync(file, configuration(folder, port, ports));
  const child: ChildProcess = spawn('nginx', ['-p', folder, '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/livez`)).status > 0, { timeoutMs: 30_000, what: 'nginx' });
  return {
    url,
    lead(others) {
      writeFileSync(file, configuration(folder, port, others));
      child.kill('SIGHUP');
    },
    errors: () => readFileSync(join(folder, 'error.log'), 'utf8'),
    async close() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string, port: number, ports: readonly number[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
worker_processes 1;
events { worker_connections 4096; }
http {
  ${temporary.join('\n  ')}
  access_log off;
  upstream web {
    ${ports.map((one) => `server 127.0.0.1:${one} max_fails=0;`).join('\n    ')}
    keepalive 32;
  }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / {
      proxy_pass http://web;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 4 64k;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;
      proxy_connect_timeout 2s;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 0;
    }
  }
}
`;
}
