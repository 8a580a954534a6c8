// While something is uploading, links change only the middle of the page: a full navigation would end the upload.
// Otherwise the browser's own navigation is left alone.
import { rove } from './arrows.ts';
import { localizeMoments } from './moments.ts';
import { fetchPage } from './page-fetch.ts';

export function startSoftNavigation(isNeeded: () => boolean): void {
  let isSoft = false;
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey)
      return;
    const link = (event.target as Element).closest?.<HTMLAnchorElement>('a[href]');
    if (!link || link.download || link.hasAttribute('download') || link.target || !isNeeded()) return;
    if (link.origin !== location.origin || (link.pathname === location.pathname && link.hash)) return;
    event.preventDefault();
    isSoft = true;
    go(link.href, true);
  });
  window.addEventListener('popstate', () => {
    if (isSoft) go(location.href, false);
  });
}

async function go(address: string, isNew: boolean): Promise<void> {
  try {
    const page = await fetchPage(address);
    const main = page.querySelector('main')!;
    if (isNew) history.pushState(null, '', address);
    document.querySelector('main')!.replaceWith(main);
    document.querySelector('header.bar')!.replaceWith(page.querySelector('header.bar')!);
    document.body.className = page.body.className;
    document.title = page.title;
    for (const script of page.querySelectorAll<HTMLScriptElement>('script[type="module"][src]')) {
      // A module runs once however often it is asked for; custom elements wake up by themselves.
      import(new URL(script.getAttribute('src')!, location.href).href);
    }
    rove(document);
    localizeMoments(document);
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent('kinora:page'));
  } catch {
    location.assign(address);
  }
}
