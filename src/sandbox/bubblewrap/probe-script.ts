/** What looks around inside a sandbox for the probe: prints one fact a line, its name and value parted by a tab. */
import { MODEL_WAY } from './init.js';

/** Places whose writability the probe tries out. */
export const TRIED_PLACES = [
  '/',
  '/usr',
  '/etc',
  '/run',
  '/dev',
  '/opt/agent',
  '/proc/sys/kernel',
  '/workspace',
  '/tmp',
  '/home/agent',
  '/dev/shm',
];

export const PROBE_SCRIPT = `
fact() { printf '%s\\t%s\\n' "$1" "$2"; }
facts() { while IFS= read -r value; do fact "$1" "$value"; done; }
cat >/dev/null # waits until the server has looked at this process from outside
set -- /proc/[0-9]*; fact processes $#
cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | facts environ
tr '\\0' '\\n' </proc/1/cmdline | head -n 3 | facts init
ls -1 /proc/1/fd | grep '^[0-9]*$' | sort -n | facts descriptor
grep -E '^(NoNewPrivs|Cap[A-Z][a-z]*|Uid|Gid|Seccomp):' /proc/self/status | tr -s '\\t ' ' ' | facts status
for name in cgroup ipc mnt net pid user uts; do fact namespace "$(readlink /proc/self/ns/$name)"; done
sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' ' | facts interface
sed 1d /proc/net/route | facts route
ls -1A / | facts root
for place in ${TRIED_PLACES.join(' ')}; do
  if (: >"$place/.probe") 2>/dev/null; then rm -f "$place/.probe"; fact writable "$place"; fi
done
unshare -U true 2>/dev/null; fact new-user-namespace $?
stat -f -c '%n %S %b' /tmp /home/agent /dev/shm | facts size
setarch "$(uname -m)" -R true 2>/dev/null; fact denied-call $?
fact open-files "$(ulimit -Hn)"; fact file-kib "$(bash -c 'ulimit -Hf')"
fact model "$(socat -u TCP:127.0.0.1:${MODEL_WAY.port} - 2>&1)"
fact end here
`;
