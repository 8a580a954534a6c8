// The whole thing on this machine: a database, replicas of each role, and nginx in front where it is wanted.
import { randomBytes } from 'node:crypto';
import { type Front, startFront } from './front.ts';
import { type Replica, startReplica } from './replica.ts';

export type ClusterOptions = {
  /** MONGODB_URL, with the database's name. */
  readonly mongoUrl: string;
  /** How many of each role; what is left out has one, 0 none. */
  readonly web?: number;
  readonly auth?: number;
  readonly worker?: number;
  readonly camera?: number;
  /** For every process. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether nginx stands in front. */
  readonly hasFront?: boolean;
};

export type ClusterRole = 'web' | 'auth' | 'worker' | 'camera';

export type Cluster = {
  /** Of nginx; without it, of the first web replica. */
  readonly url: string;
  readonly front: Front | null;
  readonly web: readonly Replica[];
  readonly auth: readonly Replica[];
  readonly worker: readonly Replica[];
  readonly camera: readonly Replica[];
  readonly all: readonly Replica[];
  /** One more, ready; nginx leads to it where it is a web one. */
  add(role: ClusterRole): Promise<Replica>;
  /** Ends everything and removes it. Idempotent. */
  close(): Promise<void>;
};

/** Starts it and resolves when everybody is ready. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { mongoUrl, hasFront = false, settings = {} } = options;
  const replicas: Record<ClusterRole, Replica[]> = { auth: [], web: [], worker: [], camera: [] };
  const all = () => Object.values(replicas).flat();
  const isWithout = settings.KINORA_AUTH === 'none';
  const common = {
    ...{ MONGODB_URL: mongoUrl, KINORA_AUTH_SECRET: randomBytes(24).toString('hex') },
    // nginx is on this machine as well.
    KINORA_TRUSTED_PROXIES: '127.0.0.1',
    ...settings,
  };
  let front: Front | null = null;
  const start = async (role: ClusterRole) => {
    const authUrl = replicas.auth.map(({ url }) => url).join(',');
    const needsAuth = role !== 'auth' && authUrl !== '' && !isWithout;
    const replica = await startReplica({
      ...{ name: `${role}-${replicas[role].length + 1}`, roles: role },
      settings: { ...common, ...(needsAuth && { KINORA_AUTH_URL: authUrl }) },
    });
    replicas[role].push(replica);
    return replica;
  };
  const close = async () => {
    await front?.close();
    await Promise.all(all().map((replica) => replica.close()));
  };
  try {
    for (const role of ['auth', 'web', 'worker', 'camera'] as const) {
      const count = options[role] ?? (role === 'auth' && isWithout ? 0 : 1);
      for (let number = 0; number < count; number += 1) await start(role);
    }
    await Promise.all(all().map((replica) => replica.untilReady(120_000)));
    if (hasFront) front = await startFront(replicas.web.map(({ port }) => port));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: front?.url ?? replicas.web[0]?.url ?? '',
    front,
    ...replicas,
    get all() {
      return all();
    },
    async add(role) {
      const replica = await start(role);
      await replica.untilReady();
      if (role === 'web') front?.lead(replicas.web.filter((one) => one.isRunning).map(({ port }) => port));
      return replica;
    },
    close,
  };
}
