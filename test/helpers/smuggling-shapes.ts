// Requests whose end two readers of HTTP could see in two places, each with another request hidden in or behind it.

export const crlf = (...lines: string[]) => lines.join('\r\n');
/** What is hidden: were it served, there would be a second answer, of 200. */
export const hidden = crlf('GET /livez HTTP/1.1', 'Host: localhost', '', '');
export const post = (...fields: string[]) =>
  crlf('POST /settings HTTP/1.1', 'Host: localhost', ...fields, '', '');
export const form = 'Content-Type: application/x-www-form-urlencoded';
export const chunked = 'Transfer-Encoding: chunked';

/** None of these is to be served. */
export const refused: readonly (readonly [what: string, bytes: string])[] = [
  ['both lengths, the chunked end first', `${post(form, 'Content-Length: 6', chunked)}0\r\n\r\n${hidden}`],
  [
    'both lengths, in the other order',
    `${post(form, chunked, `Content-Length: ${hidden.length}`)}0\r\n\r\n${hidden}`,
  ],
  ['two lengths that differ', post(form, 'Content-Length: 0', `Content-Length: ${hidden.length}`) + hidden],
  ['two lengths that agree', post(form, 'Content-Length: 0', 'Content-Length: 0') + hidden],
  ['a list of lengths', post(form, 'Content-Length: 0, 0') + hidden],
  ['a length with a sign', post(form, 'Content-Length: +0') + hidden],
  ['a negative length', post(form, 'Content-Length: -1') + hidden],
  ['a length in hexadecimal', post(form, 'Content-Length: 0x10') + hidden],
  ['a length with letters', post(form, 'Content-Length: 0a') + hidden],
  ['a length beyond all numbers', post(form, 'Content-Length: 99999999999999999999') + hidden],
  ['an empty length', post(form, 'Content-Length:') + hidden],
  ['a length behind an underscore', `${post(form, chunked, 'Content_Length: 3')}zz\r\n${hidden}`],
  ['another coding', post(form, 'Transfer-Encoding: xchunked') + hidden],
  ['a coding before', `${post(form, 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n${hidden}`],
  ['a coding behind', `${post(form, 'Transfer-Encoding: chunked, identity')}0\r\n\r\n${hidden}`],
  ['chunked twice', `${post(form, chunked, chunked)}0\r\n\r\n${hidden}`],
  ['a coding with a tab before', `${post(form, 'Transfer-Encoding: \x0bchunked')}0\r\n\r\n${hidden}`],
  ['a coding in quotes', `${post(form, 'Transfer-Encoding: "chunked"')}0\r\n\r\n${hidden}`],
  [
    'a coding and another field for it',
    `${post(form, chunked, 'Transfer-Encoding: identity')}0\r\n\r\n${hidden}`,
  ],
  [
    'a coding in HTTP/1.0',
    `${crlf('POST /settings HTTP/1.0', 'Host: localhost', form, chunked, '', '')}0\r\n\r\n${hidden}`,
  ],
  ['a chunk with 0x', `${post(form, chunked)}0x0\r\n\r\n${hidden}`],
  ['a chunk with a sign', `${post(form, chunked)}-0\r\n\r\n${hidden}`],
  ['a chunk with a blank before', `${post(form, chunked)} 0\r\n\r\n${hidden}`],
  ['a chunk larger than all numbers', `${post(form, chunked)}fffffffffffffffff0\r\n${hidden}`],
  ['a chunk without its size', `${post(form, chunked)}\r\n\r\n${hidden}`],
  ['a chunk longer than its size', `${post(form, chunked)}3\r\na=bcd\r\n0\r\n\r\n${hidden}`],
  ['a chunk whose line ends in LF alone', `${post(form, chunked)}3\na=b\r\n0\r\n\r\n${hidden}`],
  ['a chunk that ends in LF alone', `${post(form, chunked)}3\r\na=b\n0\r\n\r\n${hidden}`],
  ['a chunk extension with LF in it', `${post(form, chunked)}3;a\nb\r\na=b\r\n0\r\n\r\n${hidden}`],
  [
    'a head whose lines end in LF alone',
    `POST /settings HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n${hidden}`,
  ],
  [
    'one line that ends in LF alone',
    `POST /settings HTTP/1.1\r\nHost: localhost\r\nX: y\nContent-Length: 0\r\n\r\n${hidden}`,
  ],
  ['a CR alone in a value', post(form, 'X: y\rContent-Length: 0', 'Content-Length: 0') + hidden],
  ['a folded line', post(form, 'X: y', ' Content-Length: 5', 'Content-Length: 0') + hidden],
  ['a folded length', post(form, 'Content-Length:', ' 0') + hidden],
  ['a folded coding', `${post(form, 'Transfer-Encoding:', ' chunked')}0\r\n\r\n${hidden}`],
  ['a blank before the colon', post(form, 'Content-Length : 0') + hidden],
  ['a tab before the colon', `${post(form, 'Transfer-Encoding\t: chunked')}0\r\n\r\n${hidden}`],
  ['a line without a colon', post(form, 'Content-Length 0') + hidden],
  ['a name of nothing', post(form, ': 0', 'Content-Length: 0') + hidden],
  ['a NUL in a value', post(form, 'X: a\0b', 'Content-Length: 0') + hidden],
  ['a NUL in a name', post(form, 'X\0: a', 'Content-Length: 0') + hidden],
  [
    'a field before the first',
    crlf('POST /settings HTTP/1.1', ' X: y', 'Host: localhost', 'Content-Length: 0', '', '') + hidden,
  ],
  [
    'two hosts',
    crlf('GET /livez HTTP/1.1', 'Host: localhost', 'Host: evil.example', 'Connection: close', '', ''),
  ],
  [
    'a whole address of another host',
    crlf('GET http://evil.example/livez HTTP/1.1', 'Host: localhost', '', '') + hidden,
  ],
  ['an address without its slash', crlf('GET livez HTTP/1.1', 'Host: localhost', '', '') + hidden],
  ['no host', crlf('GET /livez HTTP/1.1', '', '')],
  ['a third word in the first line', crlf('GET /livez HTTP/1.1 x', 'Host: localhost', '', '') + hidden],
  ['a version that is none', crlf('GET /livez HTTP/9.9', 'Host: localhost', '', '') + hidden],
  ['HTTP/2 without being asked', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`],
  ['a method in small letters', crlf('get /livez HTTP/1.1', 'Host: localhost', '', '') + hidden],
  ['a NUL in the address', crlf('GET /live\0z HTTP/1.1', 'Host: localhost', '', '') + hidden],
  ['a blank in the address', crlf('GET /live z HTTP/1.1', 'Host: localhost', '', '') + hidden],
  ['no request at all', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${hidden}`],
];
