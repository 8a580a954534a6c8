// The Helm chart, rendered by the real helm with several values files, read back, and held against the Kubernetes API's
// own types, the Pod Security profile `restricted`, and the settings that the program has.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { settingList } from '../../src/setting-list.ts';
import { readSettings } from '../../src/settings.ts';
import { isLetThrough, type Party, type Policy } from './kubernetes/network-policies.ts';
import { kubernetesTools } from './kubernetes/tools.ts';

const chart = fileURLToPath(new URL('../../deploy/helm/kinora', import.meta.url));
const values = readdirSync(join(chart, 'ci')).map((name) => join(chart, 'ci', name));

/** What the tests look at of a document; everything else is the business of the API's own types. */
type Container = {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { name: string; value?: string; valueFrom?: Record<string, unknown> }[];
  readonly ports?: readonly { name: string; containerPort: number }[];
  readonly securityContext: Record<string, unknown>;
  readonly resources: { requests: object; limits: object };
  readonly volumeMounts: readonly { name: string; mountPath: string }[];
  readonly [probe: `${string}Probe`]: Record<string, unknown>;
};
type PodSpec = {
  readonly automountServiceAccountToken: boolean;
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Record<string, unknown>;
  readonly containers: readonly Container[];
  readonly volumes: readonly Record<string, unknown>[];
};
type Labels = Record<string, string>;
type Document = {
  readonly kind: string;
  readonly metadata: { name: string; namespace: string; labels: Labels; annotations?: Labels };
  readonly data?: Record<string, string>;
  readonly stringData?: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own, and a test looks at a few of many.
  readonly spec?: any;
};

const tools = await kubernetesTools();
const skip = typeof tools === 'string' && tools;

type Rendered = { readonly text: string; readonly documents: readonly Document[] };
const rendered = new Map<string, Rendered>();

/** What helm makes of a values file; once, because it takes a tenth of a second each time. */
function render(file: string): Rendered {
  const made = rendered.get(file) ?? renderAnew(file);
  rendered.set(file, made);
  return made;
}

function renderAnew(file: string): Rendered {
  if (typeof tools === 'string') throw new Error(tools);
  const { ok, output } = tools.helm('template', 'home', chart, '--namespace', 'videos', '-f', file);
  assert.ok(ok, output);
  const documents = parseAllDocuments(output)
    .map((document) => document.toJS() as Document | null)
    .filter((document) => document !== null);
  return { text: output, documents };
}

const file = (name: string) => join(chart, 'ci', `${name}-values.yaml`);
const ofKind = (documents: readonly Document[], kind: string) => documents.filter((it) => it.kind === kind);
const roleOf = ({ metadata }: Document) => metadata.labels['app.kubernetes.io/component'] ?? '';
/** The Deployments of the program, not of the bundled database. */
const deployments = (documents: readonly Document[]) =>
  ofKind(documents, 'Deployment').filter((it) => roleOf(it) !== 'mongodb');
const podOf = (deployment: Document) => deployment.spec.template.spec as PodSpec;
const selects = (selector: Labels, labels: Labels) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

const roleNames = new Set(['web', 'auth', 'worker', 'camera', 'mongodb']);

describe('the chart', { skip }, () => {
  if (typeof tools === 'string') return;

  test('passes helm lint --strict, as it comes and with each values file', () => {
    for (const words of [[], ...values.map((name) => ['-f', name])]) {
      const { ok, output } = tools.helm('lint', '--strict', chart, ...words);
      assert.ok(ok, output);
    }
  });

  test('renders what the API takes to the letter, and `restricted` lets in, with each values file', () => {
    for (const name of values) {
      const verdicts = tools.judge(render(name).text);
      assert.ok(verdicts.length > 10, name);
      assert.deepEqual(
        verdicts.filter(({ problems }) => problems.length > 0),
        [],
        name,
      );
    }
  });

  test('what judges the documents finds a wrong field, a selector beside its pods and a pod that is root', () => {
    const text = render(file('plain')).text;
    const broken = (from: string, to: string) => {
      assert.ok(text.includes(from), from);
      return tools.judge(text.replace(from, to)).flatMap(({ problems }) => problems);
    };
    assert.match(String(broken('failureThreshold:', 'failureTreshold:')), /unknown field/);
    assert.match(String(broken('type: RuntimeDefault', 'type: Unconfined')), /restricted/);
    assert.match(String(broken('runAsNonRoot: true', 'runAsNonRoot: false')), /restricted/);
    assert.match(String(broken('containerPort: 5000', 'containerPort: "5000"')), /int32|number/);
  });

  test('says what is missing instead of installing half of it', () => {
    const cases: [string[], RegExp][] = [
      [[], /say where the database is/],
      [
        ['--set', 'database.bundled.enabled=true,database.existingSecret=x'],
        /say where the database is, in exactly one way/,
      ],
      [['--set', 'database.existingSecret=x,ingress.enabled=true'], /url is needed/],
      [
        ['--set', 'database.existingSecret=x,httpRoute.enabled=true,url=https://a.example'],
        /parentRefs is needed/,
      ],
      [['--set', 'database.existingSecret=x,web.replica=2'], /additional properties 'replica' not allowed/],
      [
        ['--set', 'database.existingSecret=x,settings.KINORA_SMTP_URL=smtp://a:b@c'],
        /propertyName 'KINORA_SMTP_URL'/,
      ],
      [['--set', 'database.existingSecret=x,url=https://a.example/path'], /does not match pattern/],
    ];
    for (const [words, complaint] of cases) {
      const { ok, output } = tools.helm('template', 'home', chart, ...words);
      assert.ok(!ok, words.join(' '));
      assert.match(output, complaint);
    }
  });

  test('refuses among the settings each one that holds a password, and those that it sets itself', () => {
    const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8'));
    const refused = new Set<string>(schema.properties.settings.propertyNames.not.enum);
    const known = new Set(['KINORA_CONFIG', ...Object.values(settingList).map(({ name }) => name)]);
    for (const setting of Object.values(settingList)) {
      if (setting.isSecret && setting.name.startsWith('KINORA_'))
        assert.ok(refused.has(setting.name), setting.name);
    }
    assert.deepEqual(
      [...refused].filter((name) => !known.has(name)),
      [],
    );
    for (const deployment of deployments(render(file('ingress')).documents)) {
      const set = (podOf(deployment).containers[0]?.env ?? []).map(({ name }) => name);
      const own = set.filter((name) => name.startsWith('KINORA_'));
      assert.deepEqual(
        own.filter((name) => !refused.has(name)),
        [],
      );
    }
  });

  test('the program takes the settings of every pod: the roles, the addresses, the cameras', () => {
    for (const name of values) {
      const { documents } = render(name);
      const shared = ofKind(documents, 'ConfigMap').find(
        ({ metadata }) => !/-(cameras|mongodb)$/.test(metadata.name),
      );
      assert.ok(shared?.data);
      const roles = new Set<string>();
      for (const deployment of deployments(documents)) {
        const own = Object.fromEntries(
          (podOf(deployment).containers[0]?.env ?? []).map((it) => [it.name, it.value ?? 'from elsewhere']),
        );
        const config = readSettings(
          {
            ...shared.data,
            ...own,
            KINORA_SERVICE_URL: own.KINORA_SERVICE_URL?.replace(
              '$(POD_IP)',
              own.KINORA_SERVICE_URL.includes('[') ? '2001:db8::7' : '10.0.0.7',
            ),
            KINORA_AUTH_SECRET: 'x'.repeat(48),
            MONGODB_URL: 'mongodb://db.example.org/kinora',
            // Its own file is looked at below.
            KINORA_CONFIG: undefined,
          },
          chart,
          false,
        );
        assert.deepEqual([...config.roles], [roleOf(deployment)]);
        assert.equal(config.server.port, 5000);
        for (const role of config.roles) roles.add(role);
        const isAsked = !config.roles.has('auth') && config.auth.mode !== 'none';
        const auth = ofKind(documents, 'Service').find((it) => roleOf(it) === 'auth');
        assert.equal(config.auth.serviceUrl, isAsked ? `http://${auth?.metadata.name}:5000` : null);
      }
      const expected = shared.data.KINORA_AUTH === 'none' ? [] : ['auth'];
      assert.deepEqual([...roles].toSorted(), [...expected, 'camera', 'web', 'worker']);
    }
  });

  test('three web pods, two of the others; none where the scaler decides', () => {
    const count = (name: string) =>
      Object.fromEntries(
        deployments(render(file(name)).documents).map((it) => [roleOf(it), it.spec.replicas]),
      );
    assert.deepEqual(count('bundled'), { web: 3, auth: 2, worker: 2, camera: 2 });
    assert.deepEqual(count('ingress'), { web: undefined, auth: 2, worker: 2, camera: 2 });
    const scaler = ofKind(render(file('ingress')).documents, 'HorizontalPodAutoscaler')[0];
    assert.equal(scaler?.spec.scaleTargetRef.name, 'home-kinora-web');
  });

  test('each pod has its probes, bounds, no token, nothing it can write but its own folders, and time to finish', () => {
    for (const name of values) {
      const { documents } = render(name);
      const pods = deployments(documents).map((it) => [it, podOf(it)] as const);
      for (const [{ metadata }, pod] of pods) {
        assert.equal(pod.automountServiceAccountToken, false);
        assert.equal(pod.enableServiceLinks, false, 'Kubernetes would set KINORA_..._PORT otherwise');
        assert.ok(pod.terminationGracePeriodSeconds > 40, metadata.name);
        for (const container of pod.containers) {
          assert.deepEqual(container.ports, [{ name: 'http', containerPort: 5000, protocol: 'TCP' }]);
          assert.deepEqual(container.startupProbe?.httpGet, { path: '/livez', port: 'http' });
          assert.deepEqual(container.livenessProbe?.httpGet, { path: '/livez', port: 'http' });
          assert.deepEqual(container.readinessProbe?.httpGet, { path: '/readyz', port: 'http' });
          assert.equal(container.securityContext.readOnlyRootFilesystem, true);
          assert.ok(container.resources.requests && container.resources.limits);
          const written = container.volumeMounts.filter((mount) => !('readOnly' in mount));
          assert.deepEqual(
            written.map(({ mountPath }) => mountPath),
            ['/data', '/tmp'],
          );
          for (const mount of written) {
            const volume = pod.volumes.find((it) => it.name === mount.name) as {
              emptyDir?: { sizeLimit?: string };
            };
            assert.ok(volume.emptyDir?.sizeLimit, `${metadata.name} ${mount.name}`);
          }
        }
      }
      assert.equal(ofKind(documents, 'StatefulSet').length, 0);
    }
  });

  test('Services, budgets and Ingress lead to pods that are there, by ports that they have', () => {
    for (const name of values) {
      const { documents } = render(name);
      const podLabels = ofKind(documents, 'Deployment').map(
        (it) => it.spec.template.metadata.labels as Labels,
      );
      for (const { metadata, spec } of ofKind(documents, 'Service')) {
        assert.ok(
          podLabels.some((labels) => selects(spec.selector, labels)),
          metadata.name,
        );
        for (const { targetPort } of spec.ports) assert.match(targetPort, /^(http|mongodb)$/);
      }
      for (const { metadata, spec } of ofKind(documents, 'PodDisruptionBudget'))
        assert.equal(
          podLabels.filter((labels) => selects(spec.selector.matchLabels, labels)).length,
          1,
          metadata.name,
        );
      const services = ofKind(documents, 'Service').map(({ metadata }) => metadata.name);
      for (const { spec } of ofKind(documents, 'Ingress'))
        assert.ok(services.includes(spec.rules[0].http.paths[0].backend.service.name));
      for (const { spec } of ofKind(documents, 'HTTPRoute'))
        assert.ok(services.includes(spec.rules[0].backendRefs[0].name));
    }
  });

  test('an upload of any size comes through the Ingress unheld, and nothing that runs long is cut', () => {
    const [ingress] = ofKind(render(file('ingress')).documents, 'Ingress');
    const said = ingress?.metadata.annotations ?? {};
    const of = (name: string) => said[`nginx.ingress.kubernetes.io/${name}`];
    assert.equal(of('proxy-body-size'), '0');
    assert.equal(of('proxy-request-buffering'), 'off');
    assert.equal(of('proxy-buffering'), 'off');
    assert.ok(Number(of('proxy-read-timeout')) >= 3600 && Number(of('proxy-send-timeout')) >= 3600);
    assert.equal(said['cert-manager.io/cluster-issuer'], 'house', 'and one more of the person');
    assert.deepEqual(ingress?.spec.tls, [{ hosts: ['videos.example.org'], secretName: 'videos-tls' }]);
    const [route] = ofKind(render(file('gateway')).documents, 'HTTPRoute');
    assert.deepEqual(route?.spec.rules[0].timeouts, { request: '0s', backendRequest: '0s' });
    assert.deepEqual(route?.spec.hostnames, ['films.example.org']);
  });

  test('secrets are in Secrets alone', () => {
    for (const name of values) {
      const { documents } = render(name);
      const secrets = ofKind(documents, 'Secret').flatMap((it) => Object.values(it.stringData ?? {}));
      const others = JSON.stringify(documents.filter(({ kind }) => kind !== 'Secret'));
      for (const secret of secrets) {
        assert.ok(secret.length >= 32);
        assert.ok(!others.includes(secret), name);
      }
      for (const deployment of deployments(documents)) {
        for (const { name: variable, valueFrom } of podOf(deployment).containers[0]?.env ?? []) {
          if (['MONGODB_URL', 'KINORA_AUTH_SECRET'].includes(variable)) assert.ok(valueFrom?.secretKeyRef);
        }
      }
    }
    const made = () => ofKind(renderAnew(file('bundled')).documents, 'Secret').map((it) => it.stringData);
    assert.notDeepEqual(made(), made(), 'they are random');
  });

  test('the bundled database knows itself by its Service, and the address in the Secret leads there', () => {
    const { documents } = render(file('bundled'));
    const secret = ofKind(documents, 'Secret').find(
      ({ metadata }) => metadata.name === 'home-kinora-mongodb',
    );
    const url = new URL(secret?.stringData?.url ?? '');
    assert.equal(url.hostname, 'home-kinora-mongodb');
    assert.equal(url.password, secret?.stringData?.password);
    const script = ofKind(documents, 'ConfigMap').find(({ data }) => data?.['replica-set.js'])?.data;
    assert.equal(
      script?.['replica-set.js']?.trim(),
      readFileSync(join(chart, 'files', 'replica-set.js'), 'utf8').trim(),
    );
    const database = ofKind(documents, 'Deployment').find((it) => roleOf(it) === 'mongodb');
    const own = podOf(database!).containers[0]?.env?.find(({ name }) => name === 'REPLICA_SET_HOST');
    assert.equal(own?.value, 'home-kinora-mongodb:27017');
    const service = ofKind(documents, 'Service').find((it) => roleOf(it) === 'mongodb');
    assert.equal(service?.metadata.name, 'home-kinora-mongodb');
    assert.equal(service?.spec.publishNotReadyAddresses, true);
  });

  test('nothing comes in or goes out but by a rule', () => {
    const { documents } = render(file('ingress'));
    const policies = Object.fromEntries(
      ofKind(documents, 'NetworkPolicy').map(({ metadata, spec }) => [
        metadata.name.replace('home-kinora-', ''),
        spec,
      ]),
    );
    assert.deepEqual(policies.default.policyTypes, ['Ingress', 'Egress']);
    assert.equal(policies.default.ingress, undefined);
    for (const deployment of ofKind(documents, 'Deployment'))
      assert.ok(selects(policies.default.podSelector.matchLabels, deployment.spec.template.metadata.labels));
    assert.deepEqual(
      policies.database.egress[0].ports.map(({ port }: { port: number }) => port),
      [27017, 27018, 27019],
      'the ports of the address, beside the usual one',
    );
    assert.deepEqual(policies.camera.egress, [{ to: [{ ipBlock: { cidr: '192.168.0.0/16' } }] }]);
    assert.ok(
      policies.web.ingress[0].from[0].namespaceSelector.matchExpressions[0].values.includes('ingress-nginx'),
    );
    const names = (name: string) =>
      ofKind(render(file(name)).documents, 'NetworkPolicy').map(({ metadata }) => metadata.name);
    assert.deepEqual(names('plain'), []);
    assert.ok(names('bundled').includes('home-kinora-mongodb'));
    assert.ok(!names('gateway').includes('films-auth'));
  });

  test('who reaches whom: what the roles need of one another, and nothing else', () => {
    const { documents } = render(file('bundled'));
    const ours = { 'app.kubernetes.io/name': 'kinora', 'app.kubernetes.io/instance': 'home' };
    const pods: Record<string, Party> = {
      stranger: { labels: {}, namespace: 'videos' },
      ingress: { labels: {}, namespace: 'ingress-nginx' },
      test: { labels: { ...ours, 'app.kubernetes.io/component': 'test' }, namespace: 'videos' },
    };
    for (const deployment of ofKind(documents, 'Deployment'))
      pods[roleOf(deployment)] = { labels: deployment.spec.template.metadata.labels, namespace: 'videos' };
    const policies = ofKind(documents, 'NetworkPolicy').map(({ spec }) => spec as Policy);
    const reached = (port: number) =>
      Object.keys(pods)
        .flatMap((from) => Object.keys(pods).map((to) => [from, to] as const))
        .filter(
          ([from, to]) =>
            from !== to && roleNames.has(to) && isLetThrough(policies, pods[from]!, pods[to]!, port),
        )
        .map(([from, to]) => `${from} > ${to}`)
        .toSorted();
    assert.deepEqual(reached(5000), [
      ...['auth > camera', 'camera > auth', 'ingress > web', 'test > auth', 'test > camera', 'test > web'],
      ...['web > auth', 'web > camera', 'worker > auth', 'worker > camera'],
    ]);
    assert.deepEqual(reached(27017), [
      'auth > mongodb',
      'camera > mongodb',
      'web > mongodb',
      'worker > mongodb',
    ]);
    assert.deepEqual(reached(22), []);
  });

  test('metrics and traces are asked for, or not there at all', () => {
    const { documents } = render(file('ingress'));
    const [monitor] = ofKind(documents, 'ServiceMonitor');
    const found = ofKind(documents, 'Service').find(({ metadata }) =>
      selects(monitor?.spec.selector.matchLabels, metadata.labels),
    );
    const pods = deployments(documents).map((it) => it.spec.template.metadata.labels as Labels);
    assert.ok(pods.every((labels) => selects(found?.spec.selector, labels)));
    assert.equal(monitor?.spec.endpoints[0].authorization.credentials.name, 'kinora-metrics');
    const traced = podOf(deployments(documents)[0]!).containers[0]?.env?.map(({ name }) => name);
    assert.ok(traced?.includes('OTEL_SERVICE_NAME'));
    const plain = JSON.stringify(render(file('plain')).documents);
    assert.doesNotMatch(plain, /OTEL_|ServiceMonitor/);
  });
});

test('the chart has the version of the program', () => {
  const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
  const { version } = JSON.parse(read('../../package.json'));
  assert.equal(parse(read('../../deploy/helm/kinora/Chart.yaml')).appVersion, version);
  assert.match(read('../../deploy/docker/Dockerfile'), new RegExp(`^ARG VERSION=${version}$`, 'm'));
});
