import { locate } from './own-cgroups.js';

describe('where this process’s cgroups are', () => {
  it('version 1: one place for each controller, also when two share a hierarchy', () => {
    const memberships = '12:memory:/user.slice\n4:cpu,cpuacct:/\n1:name=systemd:/init.scope\n';
    const mounts = [
      '30 24 0:26 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory',
      '31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    ].join('\n');
    const found = locate(memberships, mounts);
    expect(found.get('memory')).toBe('/sys/fs/cgroup/memory/user.slice');
    expect(found.get('cpu')).toBe('/sys/fs/cgroup/cpu,cpuacct');
  });

  it('version 2: one tree, also where only a part of it is mounted', () => {
    const found = locate(
      '0::/system.slice/caisson.service\n',
      '30 24 0:26 /system.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    );
    expect(found.get('')).toBe('/sys/fs/cgroup/caisson.service');
  });

  it('a cgroup above what is mounted cannot be reached', () => {
    const found = locate('0::/\n', '30 24 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw');
    expect(found.size).toBe(0);
  });
});
