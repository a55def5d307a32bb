import fc from 'fast-check';
import { messagesWire } from './anthropic/messages-wire.js';
import { answerHeaders, requestHeaders } from './headers.js';

describe('headers', () => {
  it("carry the server's key and ask for an uncompressed answer, whatever the agent sent", () => {
    const sent = {
      'x-api-key': 'mine',
      'accept-encoding': 'gzip',
      accept: 'application/json',
      'user-agent': 'claude-cli',
    };
    expect(requestHeaders(sent, messagesWire, 'real')).toEqual({
      accept: 'application/json',
      'user-agent': 'claude-cli',
      'accept-encoding': 'identity',
      'x-api-key': 'real',
    });
  });

  it('hold back every header that is not named', () => {
    const names = [
      'accept',
      'content-type',
      'user-agent',
      'anthropic-version',
      'anthropic-beta',
      'x-app',
      'accept-encoding',
      'x-api-key',
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), fc.string()), (sent) => {
        for (const name of Object.keys(requestHeaders(sent, messagesWire, 'real')))
          expect(names).toContain(name);
      }),
    );
  });

  it('of an answer hold back cookies and what tells of the account', () => {
    const received = {
      'content-type': 'text/event-stream',
      'request-id': 'req_1',
      'set-cookie': ['a=b'],
      'anthropic-organization-id': 'org',
      'anthropic-ratelimit-requests-remaining': '1',
      connection: 'keep-alive',
      'transfer-encoding': 'chunked',
    };
    expect(answerHeaders(received)).toEqual({ 'content-type': 'text/event-stream', 'request-id': 'req_1' });
  });
});
