/** The whole of /etc that a sandbox needs to have its own of: names for its one user, no name service, no resolver. */
export const ETC_FILES: readonly { path: string; content: string }[] = [
  {
    path: '/etc/passwd',
    content: 'root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n',
  },
  { path: '/etc/group', content: 'root:x:0:\nagent:x:1000:\n' },
  { path: '/etc/hosts', content: '127.0.0.1 localhost sandbox\n::1 localhost\n' },
  {
    path: '/etc/nsswitch.conf',
    content: 'passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\nprotocols: files\n',
  },
  { path: '/etc/resolv.conf', content: '' },
];
