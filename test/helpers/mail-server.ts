/** A real mail server (Debian's aiosmtpd) that remembers every mail. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Prints its port, then every mail as one line of JSON. `tls` offers STARTTLS and takes nothing before it. */
const SINK = `
import asyncio, json, ssl, sys
from email import message_from_bytes, policy
from aiosmtpd.smtp import SMTP

def say(what):
    print(json.dumps(what), flush=True)

class Sink:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        say({"from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": mail["subject"], "tls": session.ssl is not None,
             "headers": {name.lower(): str(value) for name, value in mail.items()},
             "user": getattr(session, "auth_data", None) is not None,
             "text": mail.get_body(("plain",)).get_content(), "html": mail.get_body(("html",)).get_content()})
        return "451 try later" if "busy@" in envelope.rcpt_tos[0] else "550 no such user" if "nobody@" in envelope.rcpt_tos[0] else "250 OK"

def login(server, session, envelope, mechanism, data):
    from aiosmtpd.smtp import AuthResult
    good = data.login == b"ops" and data.password == b"mail-secret-1"
    return AuthResult(success=good, handled=False, auth_data=data if good else None)

async def main():
    context = None
    if len(sys.argv) > 1:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    make = lambda: SMTP(Sink(), hostname="localhost", tls_context=context, require_starttls=context is not None,
                        authenticator=login, auth_required=False, auth_require_tls=True)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    say(server.sockets[0].getsockname()[1])
    await server.serve_forever()

asyncio.run(main())
`;

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly tls: boolean;
  readonly user: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly html: string;
}

export class MailServer {
  readonly mails: Mail[] = [];
  port = 0;
  readonly #child: ChildProcess;

  /** With the files of a certificate and its key it offers STARTTLS and takes nothing before it. */
  constructor(certificate: readonly string[] = []) {
    // Debian's own Python has Debian's own aiosmtpd.
    this.#child = spawn("/usr/bin/python3", ["-c", SINK, ...certificate], {
      stdio: ["ignore", "pipe", "ignore"],
    });
  }

  async start(): Promise<void> {
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    await new Promise<void>((resolve, reject) => {
      this.#child.once("exit", () => reject(new Error("the mail server ended")));
      lines.on("line", (line) => {
        const said = JSON.parse(line) as number | Mail;
        if (typeof said === "number") {
          this.port = said;
          resolve();
        } else this.mails.push(said);
      });
    });
  }

  stop(): void {
    this.#child.removeAllListeners("exit");
    this.#child.kill();
  }
}
