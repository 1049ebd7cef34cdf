// Adds a bearer token to every request, for programs that cannot send one: node proxy.mjs <server> <token>, prints its address.
import http from "node:http";

const [target, token] = process.argv.slice(2);
const server = new URL(target);
http
  .createServer((request, answer) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const forwarded = http.request({ host: "127.0.0.1", port: server.port, path: request.url, method: request.method, headers }, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    forwarded.on("error", () => answer.destroy());
    answer.on("close", () => forwarded.destroy());
    request.pipe(forwarded);
  })
  .listen(0, "127.0.0.1", function () {
    console.log(`http://localhost:${this.address().port}`);
  });
