/** The constant lines of shell that start a program inside the sandbox; program and arguments arrive as "$@". */
import type { ResourceLimits } from '../limits/resource-limits.js';
import { DESCRIPTOR } from './descriptors.js';

/** Port of the model inside the sandbox, on 127.0.0.1. */
export const MODEL_PORT = 3128;
/** Place of the model socket inside the sandbox. */
export const MODEL_SOCKET = '/run/model.sock';

/**
 * Whatever started the server may have left it descriptors that its children inherit, and Node cannot mark them: a pipe
 * of a supervisor reached the sandbox once. Here they end, before anything else runs.
 */
const CLOSE_INHERITED = `for entry in /proc/self/fd/*; do
  fd=\${entry##*/}
  if [ "$fd" -gt 2 ] && [ "$fd" -ne ${DESCRIPTOR.ready} ]; then eval "exec $fd>&-"; fi
done`;

/** Bytes of memory that a process may lock: what keys need, nowhere near what would hurt. */
const LOCKED_BYTES = 64 * 1024;
const KIB = 1024;

/**
 * Limits of each process, hard ones: no program raises them again. It fails only where a limit is lower already, which is
 * as good; the probe looks at what holds in the end. bash counts sizes in KiB.
 */
const processLimits = ({ openFiles, fileBytes }: ResourceLimits) => `ulimit -c 0
ulimit -n ${openFiles} 2>/dev/null
ulimit -f ${Math.floor(fileBytes / KIB)} 2>/dev/null
ulimit -l ${LOCKED_BYTES / KIB} 2>/dev/null`;

/** The listener's line in /proc/net/tcp: local address and port in hexadecimal, state 0A = LISTEN. */
const LISTENING = `0100007F:${MODEL_PORT.toString(16).toUpperCase().padStart(4, '0')} .* 0A `;

/**
 * The bridge runs in a session of its own: a TERM to the program's group leaves it standing, so that the program can
 * still finish what it says to the model. 500 tries of 10 ms: it takes about 5 ms.
 */
const BRIDGE = `setsid socat TCP-LISTEN:${MODEL_PORT},bind=127.0.0.1,fork,reuseaddr,max-children=64 \\
  UNIX-CONNECT:${MODEL_SOCKET} </dev/null >/dev/null 2>&1 ${DESCRIPTOR.ready}>&- &
tries=0
until grep -q '${LISTENING}' /proc/net/tcp; do
  tries=$((tries + 1))
  if [ $tries -gt 500 ]; then echo 'the bridge to the model does not listen' >&2; exit 125; fi
  sleep 0.01
done`;

/** Tells the server that the sandbox stands, and becomes tini: it reaps, and forwards TERM to the program's group. */
const START = `echo ready >&${DESCRIPTOR.ready}
exec ${DESCRIPTOR.ready}>&-
exec /usr/bin/tini -g -- "$@"`;

/** Argument vector of the sandbox's first process. bash, because dash cannot close a descriptor of two digits. */
export function initArguments(argv: readonly string[], withModel: boolean, limits: ResourceLimits): string[] {
  const script = [CLOSE_INHERITED, processLimits(limits), ...(withModel ? [BRIDGE] : []), START].join('\n');
  return ['/bin/bash', '-c', script, 'init', ...argv];
}
