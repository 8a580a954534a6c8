// Pages are the only protocol between the scripts and the server's templates: a script that needs new cards asks
// for the page that has them.

/** Fetches a page of this program. Rejects where the answer is no page. */
export async function fetchPage(address: string, signal?: AbortSignal): Promise<Document> {
  const response = await fetch(address, { headers: { accept: 'text/html' }, ...(signal ? { signal } : {}) });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return new DOMParser().parseFromString(await response.text(), 'text/html');
}
