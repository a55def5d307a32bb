/** The constant lines of shell that start a program inside the sandbox; program and arguments arrive as "$@". */
import type { ResourceLimits } from '../limits/resource-limits.js';
import type { SandboxOrder } from '../sandbox.js';
import { DESCRIPTOR } from './descriptors.js';

/** A unix socket of the host and where programs inside reach it. */
interface Way {
  /** On 127.0.0.1. */
  port: number;
  /** Place of the socket inside the sandbox. */
  socket: string;
}

/** The way to the model. */
export const MODEL_WAY: Way = { port: 3128, socket: '/run/model.sock' };
/** The way to granted hosts: an HTTP proxy that knows CONNECT only. */
export const EGRESS_WAY: Way = { port: 3129, socket: '/run/egress.sock' };

/** Steps into its limits before anything else: nothing is started, and nothing of the workspace's read, outside them. */
const enter = (entrances: readonly number[]) =>
  entrances.map((descriptor) => `echo 0 >&${descriptor} || exit 125`).join('\n');

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
const listening = (port: number) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} .* 0A `;

/**
 * A bridge runs in a session of its own: a TERM to the program's group leaves it standing, so that the program can
 * still finish what it says to the model. 500 tries of 10 ms: it takes about 5 ms.
 */
const bridge = ({
  port,
  socket,
}: Way) => `setsid socat TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr,max-children=64 \\
  UNIX-CONNECT:${socket} </dev/null >/dev/null 2>&1 ${DESCRIPTOR.ready}>&- &
tries=0
until grep -q '${listening(port)}' /proc/net/tcp; do
  tries=$((tries + 1))
  if [ $tries -gt 500 ]; then echo 'the bridge to ${socket} does not listen' >&2; exit 125; fi
  sleep 0.01
done`;

/** Tells the server that the sandbox stands, and becomes tini: it reaps, and forwards TERM to the program's group. */
const START = `echo ready >&${DESCRIPTOR.ready}
exec ${DESCRIPTOR.ready}>&-
exec /usr/bin/tini -g -- "$@"`;

/** Argument vector of the sandbox's first process. bash, because dash cannot close a descriptor of two digits. */
export function initArguments(
  { argv, modelSocket, egressSocket }: Pick<SandboxOrder, 'argv' | 'modelSocket' | 'egressSocket'>,
  limits: ResourceLimits,
  /** Descriptors as the process has them. */
  entrances: readonly number[],
): string[] {
  const script = [
    enter(entrances),
    CLOSE_INHERITED,
    processLimits(limits),
    ...(modelSocket === undefined ? [] : [bridge(MODEL_WAY)]),
    ...(egressSocket === undefined ? [] : [bridge(EGRESS_WAY)]),
    START,
  ].join('\n');
  return ['/bin/bash', '-c', script, 'init', ...argv];
}
