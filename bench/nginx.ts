import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chatAnswer, largeAnswer, plainPaths, smallAnswer } from './payload.ts'

/** Path of the chat completions surface, the same on mock, proxies and gateway. */
export const chatPath = '/v1/chat/completions'

/**
 * Writes the configuration of the mock upstream: the published answer at once on one port, after 60 ms on the other.
 *
 * nginx has no directive that sleeps, but it delays refusals (`auth_delay`): a request that is refused after 60 ms
 * and whose refusal is served as the answer is a delay kept by nginx's own timer tree, at a few microseconds a
 * request. `return` consumes the request body, so connections stay usable.
 */
export const writeMockConfiguration = (folder: string, ports: { readonly instant: number; readonly slow: number }) => {
  const answer = `default_type application/json; return 200 '${chatAnswer.trimEnd()}\n';`
  // Longer than a parameter may be.
  writeFileSync(join(folder, plainPaths.large.slice(1)), largeAnswer)
  return writeConfiguration(
    folder,
    'mock',
    `
  server {
    listen 127.0.0.1:${ports.instant} backlog=4096;
    location = ${chatPath} { ${answer} }
    location = ${plainPaths.small} { default_type text/plain; return 200 '${smallAnswer}'; }
    location = ${plainPaths.large} { default_type text/plain; root ${folder}; sendfile on; open_file_cache max=1; }
  }
  server {
    listen 127.0.0.1:${ports.slow} backlog=4096;
    location = ${chatPath} { auth_request /refuse; auth_delay 60ms; error_page 401 =200 @answer; }
    location = /refuse { internal; return 401; }
    location @answer { ${answer} }
  }`,
  )
}

/**
 * Writes the configuration of the reference proxy. A streamed answer passes unbuffered, as any model proxy must; request
 * bodies pass as they come, and nothing goes to the disk.
 */
export const writeProxyConfiguration = (
  folder: string,
  options: {
    readonly port: number
    readonly upstreamPort: number
    readonly stream: boolean
    readonly upgrade: boolean
  },
): string =>
  writeConfiguration(
    folder,
    'proxy',
    `
  upstream mock {
    server 127.0.0.1:${options.upstreamPort};
    keepalive 1024;
    keepalive_requests 100000000;
    keepalive_timeout 1h;
  }
  server {
    listen 127.0.0.1:${options.port} backlog=4096;
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_max_temp_file_size 0;
      proxy_request_buffering off;
      ${
        options.upgrade
          ? 'proxy_set_header Connection "upgrade"; proxy_set_header Upgrade $http_upgrade;'
          : 'proxy_set_header Connection "";'
      }
      ${options.stream ? 'proxy_buffering off;' : ''}
    }
  }`,
  )

const writeConfiguration = (folder: string, name: string, servers: string): string => {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'scgi', 'uwsgi']
    .map((kind) => `${kind}_temp_path ${join(folder, `${name}-${kind}`)};`)
    .join(' ')
  // Started by root, nginx would give its worker to a user who cannot enter our folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const path = join(folder, `${name}.conf`)
  writeFileSync(
    path,
    `daemon off; ${user} worker_processes 1; worker_rlimit_nofile 16384;
pid ${join(folder, `${name}.pid`)}; error_log ${join(folder, `${name}.log`)} warn;
events { worker_connections 8192; }
http {
  access_log off; ${temporary}
  keepalive_timeout 1h; keepalive_requests 100000000;${servers}
}
`,
  )
  return path
}
