// A partner's server that verifies our tokens with an unmodified JOSE library (jose): by the key set, which it keeps.
// For each token on standard input it prints the id of the key that signed it. Any token that does not verify ends it.
import { createInterface } from "node:readline";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";

const address = process.argv[2];
// It asks again for a key that it does not know, at once.
const keys = createRemoteJWKSet(new URL(`${address}/.well-known/jwks.json`), { cooldownDuration: 0 });
for await (const token of createInterface({ input: process.stdin })) {
  const { payload } = await jwtVerify(token, keys, {
    issuer: address,
    audience: address,
    typ: "at+jwt",
    algorithms: ["EdDSA"],
    requiredClaims: ["exp", "iat", "jti", "sub", "client_id", "scope"],
  });
  if (payload.client_id !== payload.sub) throw new Error("whose token is it?");
  console.log(decodeProtectedHeader(token).kid);
}
