// axe-core on a page of the tests, in both colour schemes at the cost of little more than one: the page is loaded once,
// and in the second scheme only the rules are asked that look at colours.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The rules that axe runs by itself whose outcome depends on colours. */
const colourRules = ['color-contrast', 'link-in-text-block'];

/**
 * What axe calls serious or critical on the page as it stands, in dark and in light: `SCHEME: RULE: HTML`. The page is
 * left in light. `exclude`: what is not looked at, of things that are there often.
 */
export async function seriousFaults(
  page: Page,
  { exclude = [] }: { exclude?: string[] } = {},
): Promise<string[]> {
  // As a script of the page's own origin would be: the policy lets nothing else in. Once for each document.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(await source);
  const faults: string[] = [];
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    const options = {
      resultTypes: ['violations'],
      ...(colorScheme === 'light' && { runOnly: { type: 'rule', values: colourRules } }),
    };
    const found = (await page.evaluate(`(async () => {
      // Colours half way from one scheme to the other are nobody's; waiting for them may take for ever where a page
      // goes on changing.
      for (const animation of document.getAnimations())
        if (animation instanceof CSSTransition) animation.finish();
      const axe = globalThis.axe;
      const options = ${JSON.stringify(options)};
      // A rule's faults are all as grave as the rule: what a lesser one finds would be left out below.
      options.rules = Object.fromEntries(axe._audit.rules
        .filter(({ impact }) => impact === 'minor' || impact === 'moderate')
        .map(({ id }) => [id, { enabled: false }]));
      const { violations } = await axe.run({ include: [document], exclude: ${JSON.stringify(exclude)} }, options);
      return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
        .map(({ id, nodes }) => id + ': ' + nodes[0]?.html.slice(0, 200));
    })()`)) as string[];
    faults.push(...found.map((fault) => `${colorScheme}: ${fault}`));
  }
  return faults;
}
