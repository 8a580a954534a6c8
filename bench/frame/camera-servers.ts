// The camera servers of bench/cameras.ts: this program, ustreamer and motion from Debian, and the way of the Flask
// articles under gevent. All send the pictures of one folder; where one is not to be had, a line says so.
import { spawnSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../test/helpers/free-port.ts';
import { pictureSize, writeCameraModule } from './camera-pictures.ts';
import { type ChildServer, findOrInstall, startKinora, startServer } from './child-server.ts';

export type CameraServer = {
  readonly name: string;
  /** What is to be known of its figures. */
  readonly note: string | null;
  /** `url` is that of the stream. */
  start(): Promise<ChildServer>;
};

export type CameraServersSetup = {
  /** For what is made. */
  readonly folder: string;
  readonly pictures: string;
  readonly fps: number;
  /** See `ViewerClient`. */
  readonly fakeDevice: string;
  readonly httpCamera: string;
};

/** The emulated webcam, for a program that opens /dev/video0. */
function deviceEnvironment({ pictures, fps, fakeDevice }: CameraServersSetup): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: fakeDevice,
    FAKEV4L2_DIR: pictures,
    FAKEV4L2_FPS: String(fps),
    FAKEV4L2_W: String(pictureSize.width),
    FAKEV4L2_H: String(pictureSize.height),
  };
}

/** This program with a module of the user's as its camera: the pictures arise in the server's own process. */
export function kinoraWithModule({ folder, pictures, fps }: CameraServersSetup): CameraServer {
  return {
    name: 'Kinora, module',
    note: null,
    async start() {
      const own = await mkdtemp(join(folder, 'kinora-'));
      await writeCameraModule(join(own, 'camera.mjs'), { folder: pictures, fps });
      const server = await startKinora(own, { CAMERA: './camera.mjs' });
      return { ...server, url: `${server.url}/cameras/default/stream.mjpeg` };
    },
  };
}

/** This program with the emulated webcam, whose pictures come from a process of the camera's own. */
export function kinoraWithDevice(setup: CameraServersSetup): CameraServer {
  return {
    name: 'Kinora, v4l2',
    note: 'CPU with that of the camera’s process',
    async start() {
      const own = await mkdtemp(join(setup.folder, 'kinora-'));
      const environment = deviceEnvironment(setup) as Record<string, string>;
      const server = await startKinora(own, { CAMERA: 'v4l2', ...environment });
      return { ...server, url: `${server.url}/cameras/default/stream.mjpeg` };
    },
  };
}

/** Those that can be had. */
export async function createPeers(setup: CameraServersSetup): Promise<CameraServer[]> {
  const peers: (CameraServer | null)[] = [
    createUstreamer(setup),
    await createMotion(setup),
    await createFlask(setup),
  ];
  return peers.filter((peer) => peer !== null);
}

function createUstreamer(setup: CameraServersSetup): CameraServer | null {
  const version = findOrInstall('ustreamer', 'ustreamer', '--version');
  if (version === null) return null;
  const { width, height } = pictureSize;
  // `--encoder HW` is how ustreamer passes a camera's own JPEG pictures on untouched.
  const camera = [
    '--device',
    '/dev/video0',
    '--format',
    'MJPEG',
    '--encoder',
    'HW',
    '-r',
    `${width}x${height}`,
  ];
  return {
    name: `ustreamer ${version}`,
    note: null,
    async start() {
      const port = await freePort();
      const args = [...camera, '--log-level', '0', '--host', '127.0.0.1', '--port', String(port)];
      const env = { ...process.env, ...deviceEnvironment(setup) };
      const server = await startServer('ustreamer', args, port, { env });
      return { ...server, url: `${server.url}/stream` };
    },
  };
}

async function createMotion(setup: CameraServersSetup): Promise<CameraServer | null> {
  const { folder, pictures, fps, httpCamera } = setup;
  const version = findOrInstall('motion', 'motion', '-h');
  if (version === null) return null;
  return {
    name: `motion ${version}`,
    note: 'reads the same pictures over HTTP (the emulated device lacks VIDIOC_ENUMINPUT) and encodes them anew: no number, no time in them',
    async start() {
      const [port, cameraPort] = [await freePort(), await freePort()];
      const camera = await startServer(
        process.execPath,
        [httpCamera, String(cameraPort), pictures, String(fps)],
        cameraPort,
      );
      const lines = {
        ...{ daemon: 'off', setup_mode: 'off', log_level: 1, log_file: join(folder, 'motion.log') },
        ...{ target_dir: folder, netcam_url: `${camera.url}/`, framerate: fps, ...pictureSize },
        ...{ picture_output: 'off', movie_output: 'off', webcontrol_port: 0 },
        ...{ stream_port: port, stream_localhost: 'on', stream_maxrate: fps, stream_quality: motionQuality },
      };
      const path = join(folder, 'motion.conf');
      const text = Object.entries(lines).map(([name, value]) => `${name} ${value}\n`);
      await writeFile(path, text.join(''));
      const server = await startServer('motion', ['-c', path], port);
      return {
        ...server,
        url: `${server.url}/`,
        async close() {
          await server.close();
          await camera.close();
        },
      };
    },
  };
}

/** Those measured last; another pair would be another peer. */
const flaskVersions = ['flask==3.1.3', 'gevent==26.9.0'];

/** Of 100; brings its pictures near to the size of the others. */
const motionQuality = 99;

async function createFlask({ folder, pictures, fps }: CameraServersSetup): Promise<CameraServer | null> {
  const python = join(folder, 'python/bin/python3');
  const made =
    spawnSync('python3', ['-m', 'venv', join(folder, 'python')]).status === 0 &&
    spawnSync(python, ['-m', 'pip', '-q', 'install', ...flaskVersions]).status === 0;
  if (!made) {
    console.log('Flask and gevent cannot be had (python3 with venv and pip): no such peer.');
    return null;
  }
  const ask = 'import importlib.metadata as m; print(m.version("flask"), m.version("gevent"))';
  const [flask, gevent] = spawnSync(python, ['-c', ask], { encoding: 'utf8' }).stdout.trim().split(' ');
  return {
    name: `Flask ${flask}, gevent ${gevent}`,
    note: null,
    async start() {
      const port = await freePort();
      const app = join(import.meta.dirname, '../peers/flask-gevent.py');
      const server = await startServer(python, [app, String(port), pictures, String(fps)], port);
      return { ...server, url: `${server.url}/video_feed` };
    },
  };
}
