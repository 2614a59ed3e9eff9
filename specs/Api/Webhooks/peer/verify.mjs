// Verifies messages, each told as one JSON object a line of a file: secret, headers, body. Says what it holds, or why not.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter((text) => text.length > 0)) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    console.log("verified " + JSON.stringify(new Webhook(secret).verify(body, headers)));
  } catch (refused) {
    console.log("refused " + refused.message);
  }
}
