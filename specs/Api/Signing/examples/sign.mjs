// Signs commands for POST /v1/signed with Node's own crypto; no packages.
//
//   node sign.mjs new r1 alice.pem                       makes a key (r1: P-256, k1: secp256k1) and prints its name
//   node sign.mjs pay http://127.0.0.1:5080 alice.pem customers:alice customers:bob EUR 1.00 [remittance]
//   node sign.mjs read http://127.0.0.1:5080 alice.pem customers:alice@active /v1/accounts/customers:alice/balances
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const curves = {
  'prime256v1': ['r1:', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  'secp256k1': ['k1:', 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n],
};

/** RFC 8785: members sorted, no blanks. Numbers are integers here, so JSON.stringify writes them as it should. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map(name => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

/** r1: or k1: and the base64url of the compressed point. */
function keyText(key) {
  const { x, y } = createPublicKey(key).export({ format: 'jwk' });
  const [abscissa, ordinate] = [x, y].map(part => Buffer.from(part, 'base64url'));
  const point = Buffer.concat([Buffer.from([2 + (ordinate.at(-1) & 1)]), abscissa]);
  return curves[key.asymmetricKeyDetails.namedCurve][0] + point.toString('base64url');
}

/** ECDSA over SHA-256 of the bytes, as r and s of 32 bytes each, s in the lower half. */
function signature(key, bytes) {
  const both = sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
  const order = curves[key.asymmetricKeyDetails.namedCurve][1];
  const s = BigInt('0x' + both.subarray(32).toString('hex'));
  const low = s > order / 2n ? order - s : s;
  return Buffer.concat([both.subarray(0, 32), Buffer.from(low.toString(16).padStart(64, '0'), 'hex')]).toString('base64url');
}

/** A UUIDv7: 48 bits of milliseconds, then chance. */
function uuid7(milliseconds) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(milliseconds, 0, 6);
  bytes[6] = 0x70 | bytes[6] & 0x0f;
  bytes[8] = 0x80 | bytes[8] & 0x3f;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

async function pay(url, file, debit, credit, asset, amount, remittance) {
  const key = createPrivateKey(readFileSync(file));
  const book = await (await fetch(`${url}/v1/book`)).json();
  const now = Date.parse(book.time);
  const fields = { debit, credit, amount: { asset, amount } };
  const request = {};
  if (remittance) {
    // A personal text is signed by a salted hash, so that it can be erased and the signature still be checked.
    const salt = randomBytes(16);
    fields.remittance = 'sha256:' + createHash('sha256').update(salt).update(remittance).digest('base64url');
    request.personal = { remittance: { text: remittance, salt: salt.toString('base64url') } };
  }
  const bytes = Buffer.from(canonical({
    as: [`${debit}@active`], book: book.signing_id, command: 'transfer.make', fields,
    expires: new Date(now + 300_000).toISOString().replace('Z', '000Z'), id: uuid7(now),
  }));
  request.signed = bytes.toString('base64url');
  request.signatures = [{ key: keyText(key), signature: signature(key, bytes) }];
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(`${url}/v1/signed`, { method: 'POST', headers, body: JSON.stringify(request) });
  console.log(answer.status, await answer.text());
}

/** Reads what is about one account, with its key in place of an API key. */
async function read(url, file, level, address) {
  const key = createPrivateKey(readFileSync(file));
  const book = await (await fetch(`${url}/v1/book`)).json();
  const expires = new Date(Date.parse(book.time) + 300_000).toISOString().replace('Z', '000Z');
  const path = address.split('?')[0];
  const bytes = Buffer.from(canonical({ as: [level], book: book.signing_id, expires, read: path }));
  const signed = [bytes.toString('base64url'), keyText(key), signature(key, bytes)].join('.');
  const answer = await fetch(url + address, { headers: { Authorization: `Signed ${signed}` } });
  console.log(answer.status, await answer.text());
}

const [what, ...rest] = process.argv.slice(2);
if (what === 'new') {
  const namedCurve = Object.keys(curves).find(name => curves[name][0] === `${rest[0]}:`);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve });
  writeFileSync(rest[1], privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  console.log(keyText(privateKey));
} else {
  await ({ pay, read })[what](...rest);
}
