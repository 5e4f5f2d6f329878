/** A ClickHouse server in a folder of its own, over HTTP on a port of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./redis.ts";

export const USER = "bell";
export const PASSWORD = "wether";

export interface ClickhouseServer {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  start(): Promise<void>;
  /** As if the machine had failed; what is written stays. */
  stop(): Promise<void>;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

export async function clickhouseServer(program: string): Promise<ClickhouseServer> {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-clickhouse-"));
  const [http, tcp, inter] = await Promise.all([freePort(), freePort(), freePort()]);
  for (const name of ["data", "tmp", "files"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "users.xml"), USERS);
  writeFileSync(
    join(folder, "config.xml"),
    `<yandex><logger><level>warning</level><console>1</console></logger><http_port>${http}</http_port>
      <tcp_port>${tcp}</tcp_port><interserver_http_port>${inter}</interserver_http_port>
      <listen_host>127.0.0.1</listen_host><path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path>
      <user_files_path>${folder}/files/</user_files_path><users_config>users.xml</users_config>
      <default_profile>default</default_profile><default_database>default</default_database>
      <mark_cache_size>67108864</mark_cache_size></yandex>`,
  );
  return pinged(program, http, folder, () =>
    spawn(program, [`--config-file=${join(folder, "config.xml")}`], { cwd: folder, stdio: "ignore" }),
  );
}

/** A server that `begin` starts, which answers at /ping once it is ready; its folder is removed with it. */
export function pinged(
  name: string,
  port: number,
  folder: string,
  begin: () => ChildProcess,
): ClickhouseServer {
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const stop = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const closed = once(running, "close");
    running.kill("SIGKILL");
    await closed;
  };
  return {
    url,
    user: USER,
    password: PASSWORD,
    async start() {
      const started = begin();
      child = started;
      for (;;) {
        if (started.exitCode !== null) throw new Error(`${name} ended with ${started.exitCode}`);
        const answers = await fetch(`${url}/ping`).then(
          (response) => response.ok,
          () => false,
        );
        if (answers) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    stop,
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const USERS = `<yandex><profiles><default/></profiles><users><${USER}><password>${PASSWORD}</password>
  <networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></${USER}></users>
  <quotas><default/></quotas></yandex>`;
