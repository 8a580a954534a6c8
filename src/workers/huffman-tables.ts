// Motion-JPEG of webcams and AVI files often leaves out its Huffman tables, for they are always the same; browsers
// need them. Puts the standard ones (ITU-T T.81 §K.3) where there are none.

/** Code lengths of 1 to 16 bits (BITS), then the values (HUFFVAL) of tables K.3 to K.6. */
const dcBits = { luma: '00010501010101010100000000000000', chroma: '00030101010101010101010000000000' };
const dcValues = '000102030405060708090a0b';
const acBits = { luma: '0002010303020403050504040000017d', chroma: '00020102040403040705040400010277' };

/** AC values follow one another but for a beginning of their own: runs 0 to 15, sizes 1 to 10. */
const acValues = {
  luma:
    '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738' +
    '393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5' +
    'a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa',
  chroma:
    '000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a353637' +
    '38393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3' +
    'a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa',
};

/** The segment DHT (§B.2.4.2): class and destination, lengths, values, four times. */
const tables = ((): Buffer => {
  const content = Buffer.from(
    `00${dcBits.luma}${dcValues}10${acBits.luma}${acValues.luma}` +
      `01${dcBits.chroma}${dcValues}11${acBits.chroma}${acValues.chroma}`,
    'hex',
  );
  const head = Buffer.of(0xff, 0xc4, (content.length + 2) >> 8, (content.length + 2) & 255);
  return Buffer.concat([head, content]);
})();

/** The picture as it is where it has tables or is no JPEG, else with the standard ones before its scan; a copy. */
export function withHuffmanTables(jpeg: Buffer): Buffer {
  const scanAt = findScan(jpeg);
  return scanAt === null
    ? Buffer.from(jpeg)
    : Buffer.concat([jpeg.subarray(0, scanAt), tables, jpeg.subarray(scanAt)]);
}

/** Where the first scan begins (SOS), where no table (DHT) comes before it; else null. */
function findScan(jpeg: Buffer): number | null {
  if (jpeg.length < 4 || jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return null;
  for (let at = 2; at + 4 <= jpeg.length && jpeg[at] === 0xff; ) {
    const marker = jpeg[at + 1]!;
    if (marker === 0xff) {
      at += 1; // fill byte
      continue;
    }
    if (marker === 0xc4) return null;
    if (marker === 0xda) return at;
    const length = jpeg.readUInt16BE(at + 2);
    if (length < 2) return null;
    at += 2 + length;
  }
  return null;
}
