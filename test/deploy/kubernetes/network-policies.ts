// Whom network policies let through to whom: the rules of the API's NetworkPolicy, for the kinds of them that the chart has.
import assert from 'node:assert/strict';

type Labels = Readonly<Record<string, string>>;
/** A pod as network policies see it. */
export type Party = { readonly labels: Labels; readonly namespace: string };
type Expression = { readonly key: string; readonly operator: string; readonly values: readonly string[] };
type Selector = { readonly matchLabels?: Labels; readonly matchExpressions?: readonly Expression[] };
type Peer = {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: object;
};
type Rule = {
  readonly ports?: readonly { port: number }[];
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
};
export type Policy = {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
};

function isSelected({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  for (const { operator } of matchExpressions) assert.equal(operator, 'In');
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}

/** As the API documents NetworkPolicy: what none selects is open, else one rule of any has to allow it, on both sides. */
export function isLetThrough(policies: readonly Policy[], from: Party, to: Party, port: number): boolean {
  const side = (of: Party, other: Party, type: 'Ingress' | 'Egress') => {
    // The chart's policies are of its own namespace.
    const bound = policies.filter(
      ({ podSelector, policyTypes }) =>
        of.namespace === 'videos' && policyTypes.includes(type) && isSelected(podSelector, of.labels),
    );
    if (bound.length === 0) return true;
    const isPeer = ({ podSelector, namespaceSelector, ipBlock }: Peer) =>
      ipBlock === undefined &&
      (namespaceSelector
        ? isSelected(namespaceSelector, { 'kubernetes.io/metadata.name': other.namespace })
        : other.namespace === 'videos') &&
      isSelected(podSelector ?? {}, other.labels);
    return bound
      .flatMap((policy) => policy[type === 'Ingress' ? 'ingress' : 'egress'] ?? [])
      .some((rule) => {
        const peers = type === 'Ingress' ? rule.from : rule.to;
        const isPort = rule.ports === undefined || rule.ports.some((it) => it.port === port);
        return isPort && (peers === undefined || peers.some(isPeer));
      });
  };
  return side(from, to, 'Egress') && side(to, from, 'Ingress');
}
