import fc from 'fast-check';
import { JsonStatus } from './json-status.js';

const LINES = '{ "child-pid": 4711, "net-namespace": 4026532 }\n{ "exit-code": 3 }\n';

describe('the status of bubblewrap', () => {
  it('is understood however its lines are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(LINES.length)), (cuts) => {
        const status = new JsonStatus();
        const bounds = [0, ...cuts.sort((a, b) => a - b), LINES.length];
        bounds.slice(1).forEach((end, index) => status.push(LINES.slice(bounds[index], end)));
        expect(status).toMatchObject({ childPid: 4711, exitCode: 3 });
      }),
    );
  });

  it('knows neither process nor exit before it is told', () => {
    const status = new JsonStatus();
    status.push('{ "child-pid": 47');
    expect(status.childPid).toBeUndefined();
    status.push('11 }\n');
    expect(status.childPid).toBe(4711);
    expect(status.exitCode).toBeUndefined();
  });

  it.each(['no json\n', '[]\n', '{ "child-pid": "1" }\n', '{ "child-pid": -1 }\n', 'x'.repeat(5000)])(
    'that is not bubblewrap’s own is an error: %.20j',
    (text) => {
      expect(() => new JsonStatus().push(text)).toThrow();
    },
  );
});
