/** The types of the API, made from openapi.json (`npm run docs`). */
export interface paths {
  '/api/claude-code': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Run one request and wait for its answer, or with options.streaming for its events */
    post: operations['ClaudeCodeController_run'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/executions/{id}/events': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The events as Server-Sent Events, from any number, until the execution has ended */
    get: operations['EventsController_stream'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/executions/{id}/events/{seq}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One event, whole also where the stream had it cut */
    get: operations['EventsController_one'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/batches': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Batches, newest first */
    get: operations['BatchesController_list'];
    put?: never;
    /** Ask for many executions at once: all are accepted or none, and run behind everything interactive, or at half the price within a day */
    post: operations['BatchesController_submit'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/batches/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One batch: its state, counted from its executions */
    get: operations['BatchesController_find'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/batches/{id}/events': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The events of all its executions as one stream, from any number, until `batch.finished` */
    get: operations['BatchesController_events'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/batches/{id}/results': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One JSON line for each request, in their order, each as soon as it and those before it have ended */
    get: operations['BatchesController_results'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/batches/{id}/cancel': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Cancel all of it that has not ended; idempotent, answers the batch */
    post: operations['BatchesController_cancel'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/keys': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All keys, newest first, without their secrets */
    get: operations['KeysController_list'];
    put?: never;
    /** Make a key; its secret is shown this once */
    post: operations['KeysController_create'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/keys/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /** Revoke a key; it stops working at once */
    delete: operations['KeysController_revoke'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/commands': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The commands with their options */
    get: operations['CommandsController_list'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/engines': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The engines: what each can do, and whether it is well */
    get: operations['EnginesController_list'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/files': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All files of the project, in path order */
    get: operations['FilesController_list'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/files/{path}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One file's bytes */
    get: operations['FilesController_read'];
    /** Write one file, whole or not at all; directories are made */
    put: operations['FilesController_write'];
    post?: never;
    /** Remove a file, or a directory with all that is in it */
    delete: operations['FilesController_remove'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/upload': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Unpack a tar.gz or zip into the project, whole or not at all */
    post: operations['ArchivesController_upload'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/download': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The project as one archive: links as links, special files left out */
    get: operations['ArchivesController_download'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/clone': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Clone a public repository into an empty directory, whole or not at all */
    post: operations['ClonesController_clone'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/snapshots': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Snapshots of the project, newest first */
    get: operations['SnapshotsController_list'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/restore': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Make the files what they were in a snapshot; what was there before is a snapshot too */
    post: operations['SnapshotsController_restore'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/egress': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Hosts whose port 443 the project's sandboxes may reach */
    get: operations['EgressController_read'];
    /** Grant exactly these; what is taken back is cut at once, what is new is for new executions */
    put: operations['EgressController_replace'];
    post?: never;
    /** Take all of the project's own back; connections there are cut at once */
    delete: operations['EgressController_remove'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/executions': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Executions, newest first */
    get: operations['ExecutionsController_list'];
    put?: never;
    /** Ask for an execution and do not wait for it */
    post: operations['ExecutionsController_submit'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/executions/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One execution: state, request, and its response when it has ended */
    get: operations['ExecutionsController_find'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/executions/{id}/cancel': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Cancel it; idempotent, answers the execution */
    post: operations['ExecutionsController_cancel'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/executions/{id}/changes': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Created, modified and deleted files; as text/x-diff a unified diff, as application/x-tar the files */
    get: operations['ChangesController_find'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/executions/{id}/apply': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Put the changes of a dry run in place; 409 when a file it touches has changed since */
    post: operations['ChangesController_apply'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/executions/{id}/revert': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Take the changes back; 409 when a file it touched has changed since */
    post: operations['ChangesController_revert'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/projects/{projectId}/warm': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Start an agent for the project ahead of its next request */
    post: operations['WarmController_warm'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/audit': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Own entries, newest first; admin: all. With ?verify=true (admin): checks the chain */
    get: operations['AuditController_read'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/usage': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Requests, tokens and cost; own, admin: everybody’s */
    get: operations['UsageController_read'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/metrics': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Metrics in the text format of Prometheus; without a key when METRICS_PUBLIC is set */
    get: operations['MetricsController_index'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/health/live': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The process answers */
    get: operations['HealthController_live'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/health/startup': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The process has started: its database is open */
    get: operations['HealthController_startup'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/health/ready': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Work can be sent: database, queue, sandbox, not shutting down */
    get: operations['HealthController_ready'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    RequestContext: {
      /**
       * @description Relative to the workspace; must exist
       * @default .
       */
      workingDirectory?: string;
      /** @description Files to look at first, relative to the working directory */
      files?: string[];
      /** @example typescript */
      language?: string;
      /** @example nestjs */
      framework?: string;
    };
    RequestOptions: {
      /**
       * @description Form of `result.text`
       * @enum {string}
       */
      format?: 'json' | 'text' | 'markdown';
      /** @description Answer as text/event-stream */
      streaming?: boolean;
      /** @description Milliseconds, 1000 … CLAUDE_CODE_TIMEOUT */
      timeout?: number;
      /** @description Output tokens of the whole execution; used up: E011 */
      maxTokens?: number;
      /**
       * @description Who carries it out: one of GET /api/engines; by default ENGINE_BY_COMMAND, then ENGINE_DEFAULT
       * @example claude-code
       */
      engine?: string;
      /** @description One of the models of its engine; by default MODEL_BY_COMMAND, then CLAUDE_CODE_MODEL */
      model?: string;
      /**
       * @description Whether a kept answer to the same request about the same files will do. By default `auto` for what only reads and for dry runs, else `off`; `auto` for what writes puts the kept changes in place
       * @enum {string}
       */
      cache?: 'auto' | 'off' | 'refresh';
      /**
       * Format: uuid
       * @description An execution of the same project that succeeded: goes on in its conversation, as a fork when another has already
       */
      continue?: string;
      /** @description analyze: how many levels of directories or calls to follow */
      depth?: number;
      /** @description analyze: look at tests too */
      includeTests?: boolean;
      /** @description refactor, generate: keep the state before */
      backup?: boolean;
      /** @description refactor, generate: change nothing, answer the changes */
      dryRun?: boolean;
      /**
       * @description review: the least severe finding to report
       * @enum {string}
       */
      severity?: 'info' | 'low' | 'medium' | 'high' | 'critical';
      /** @description review: mend what is found; the workspace is writable then */
      fix?: boolean;
    };
    RequestMetadata: {
      /** @description Another user than the key's own needs the scope act-as */
      userId?: string;
      /**
       * @default default
       * @example demo
       */
      projectId?: string;
      /** @description Epoch milliseconds, as the client has it; kept with the request */
      timestamp?: number;
    };
    ClaudeCodeRequest: {
      /** @enum {string} */
      action: 'generate' | 'analyze' | 'refactor' | 'review';
      /**
       * @description 1 … PROMPT_MAX_CHARS characters
       * @example Create hello.txt with a greeting
       */
      prompt: string;
      context?: components['schemas']['RequestContext'];
      options?: components['schemas']['RequestOptions'];
      metadata?: components['schemas']['RequestMetadata'];
    };
    ResultFile: {
      /**
       * @description Relative to the workspace
       * @example src/hello.ts
       */
      path: string;
      /** @description After the change; '' when deleted, binary or above CHANGE_CONTENT_MAX_BYTES */
      content: string;
      /** @enum {string} */
      action: 'created' | 'modified' | 'deleted';
    };
    CommandResult: {
      /** @description The agent's final answer */
      text?: string;
      /** @description generate: the code of the first file it made, or of the first block in its answer */
      code?: string;
      /** @description What changed in the workspace, found from the file system */
      files?: components['schemas']['ResultFile'][];
      /** @description analyze: the structured analysis */
      analysis?: Record<string, unknown>;
      /** @description review: one suggestion an entry, worst first */
      suggestions?: string[];
    };
    ResponseError: {
      /**
       * @example E003
       * @enum {string}
       */
      code:
        | 'E001'
        | 'E002'
        | 'E003'
        | 'E004'
        | 'E005'
        | 'E006'
        | 'E007'
        | 'E008'
        | 'E009'
        | 'E010'
        | 'E011'
        | 'E012'
        | 'E013'
        | 'E014'
        | 'E015'
        | 'E099';
      message: string;
      details?: Record<string, unknown>;
    };
    ResponseMetadata: {
      /** @description '' when no execution was made */
      executionId: string;
      /** @description Milliseconds from start to end; 0 when no execution was made */
      duration: number;
      /** @description Input, cache and output tokens together, metered on the wire */
      tokensUsed: number;
      /** @example rehearsal */
      model: string;
      /** @description US dollars */
      costUsd?: number;
      /**
       * Format: uuid
       * @description With `options.backup`: the snapshot of the state before
       */
      backup?: string;
      /** @description True when it is a kept answer: nothing ran, no tokens were used */
      cached?: boolean;
      /** @description With tracing: the trace in which it was asked for */
      traceId?: string;
    };
    ClaudeCodeResponse: {
      success: boolean;
      /** @example generate */
      action: string;
      result?: components['schemas']['CommandResult'];
      error?: components['schemas']['ResponseError'];
      metadata: components['schemas']['ResponseMetadata'];
    };
    EventView: {
      /** Format: uuid */
      executionId: string;
      /** @description 1, 2, 3 … without holes */
      seq: number;
      /** @description Epoch milliseconds */
      at: number;
      /** @enum {string} */
      type:
        | 'execution.queued'
        | 'execution.started'
        | 'agent.text'
        | 'agent.thinking'
        | 'agent.tool_use'
        | 'agent.tool_result'
        | 'agent.engine'
        | 'workspace.changed'
        | 'usage.updated'
        | 'execution.finished'
        | 'stream.gap';
      /** @description By type: `{text}`, `{id, name, input}`, `{status, response}` … */
      data: Record<string, unknown>;
    };
    BatchRequest: {
      /** @description 1 … BATCH_MAX_ITEMS requests, each checked as if alone */
      requests: components['schemas']['ClaudeCodeRequest'][];
      /**
       * @description `economy`: asked through the batch endpoint of the model service, within a day and at half the price; only what one answer of the model can do
       * @default standard
       * @enum {string}
       */
      mode?: 'standard' | 'economy';
    };
    BatchCountsView: {
      queued: number;
      running: number;
      succeeded: number;
      /** @description Timed out ones included */
      failed: number;
      cancelled: number;
    };
    BatchView: {
      /**
       * Format: uuid
       * @example 019a8b5e-7c1d-7000-8000-000000000000
       */
      id: string;
      /** @enum {string} */
      mode: 'standard' | 'economy';
      /**
       * @description queued: none has started. running: some have not ended. Then cancelled when any was cancelled, else failed when any failed or timed out, else succeeded.
       * @enum {string}
       */
      status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
      /** @description Requests it was made of */
      total: number;
      counts: components['schemas']['BatchCountsView'];
      /** @description Ended ÷ total, 0 … 1 */
      progress: number;
      /** @description Whose key asked */
      userId: string;
      /** @description Epoch milliseconds */
      createdAt: number;
      /** @description Epoch milliseconds, of the first start */
      startedAt?: number;
      /** @description Epoch milliseconds, of the last end */
      endedAt?: number;
    };
    BatchList: {
      items: components['schemas']['BatchView'][];
      /** @description Give it as `cursor` for the next page; absent on the last */
      nextCursor?: string;
    };
    CreateKeyRequest: {
      /**
       * @description Whose key it is
       * @example alice
       */
      userId: string;
      /**
       * @description To recognise it by
       * @example alice's laptop
       */
      name: string;
      /**
       * @example [
       *       "run",
       *       "read"
       *     ]
       */
      scopes: ('run' | 'read' | 'admin' | 'act-as')[];
    };
    CreatedKeyView: {
      /** @example 01932c5e-8f00-7000-8000-000000000000 */
      id: string;
      /**
       * @description First characters of the secret
       * @example csk_9Xk2fQa1
       */
      prefix: string;
      /** @example alice */
      userId: string;
      /** @example alice's laptop */
      name: string;
      scopes: ('run' | 'read' | 'admin' | 'act-as')[];
      /** @description Epoch milliseconds */
      createdAt: number;
      /** @description Epoch milliseconds */
      revokedAt?: number;
      /** @description Shown this once */
      secret: string;
    };
    KeyView: {
      /** @example 01932c5e-8f00-7000-8000-000000000000 */
      id: string;
      /**
       * @description First characters of the secret
       * @example csk_9Xk2fQa1
       */
      prefix: string;
      /** @example alice */
      userId: string;
      /** @example alice's laptop */
      name: string;
      scopes: ('run' | 'read' | 'admin' | 'act-as')[];
      /** @description Epoch milliseconds */
      createdAt: number;
      /** @description Epoch milliseconds */
      revokedAt?: number;
    };
    KeyPage: {
      items: components['schemas']['KeyView'][];
      /** @description Missing on the last page */
      nextCursor?: string;
    };
    OptionDescription: {
      /** @example depth */
      name: Record<string, unknown>;
      /** @enum {string} */
      type: 'boolean' | 'integer' | 'string' | 'enum';
      description: string;
      /** @description The values of an enum */
      values?: string[];
    };
    CommandDescription: {
      /** @enum {string} */
      action: 'generate' | 'analyze' | 'refactor' | 'review';
      description: string;
      /**
       * @description How the workspace is mounted without further options
       * @enum {string}
       */
      access: 'read-only' | 'read-write';
      options: components['schemas']['OptionDescription'][];
    };
    CommandCatalogue: {
      items: components['schemas']['CommandDescription'][];
    };
    CapabilitiesView: {
      /** @description Runs programs of the workspace: builds, tests, git */
      runsPrograms: boolean;
      /** @description Gets to the hosts that were granted to a project */
      reachesHosts: boolean;
      /** @description Has places that wait for their task, where POOL_SIZE allows it */
      keepsWarm: boolean;
    };
    EngineView: {
      /**
       * @description As in `options.engine`
       * @example claude-code
       */
      name: string;
      /**
       * @description Absent when only running it could tell
       * @example 2.1.330
       */
      version?: string;
      healthy: boolean;
      /** @description Why it is not healthy */
      reason?: string;
      capabilities: components['schemas']['CapabilitiesView'];
      /** @description Its tools, by the names in `agent.tool_use` */
      tools: string[];
      /** @description What `options.model` may name with it */
      models: string[];
      /** @description Carries out what names no engine (ENGINE_DEFAULT) */
      default: boolean;
      /** @description The commands that are its own by ENGINE_BY_COMMAND */
      commands: string[];
    };
    EngineList: {
      items: components['schemas']['EngineView'][];
    };
    FileView: {
      /** @example src/hello.ts */
      path: string;
      /** @description Bytes */
      size: number;
      /** @description Epoch milliseconds */
      modifiedAt: number;
      /** @enum {string} */
      type: 'file' | 'directory' | 'symlink' | 'other';
    };
    FileList: {
      items: components['schemas']['FileView'][];
    };
    WrittenFile: {
      /** @example src/hello.ts */
      path: string;
      /** @description Bytes */
      size: number;
    };
    UploadedTree: {
      /**
       * @description Files and hard links
       * @example 3
       */
      files: number;
      /**
       * @description Bytes of all files
       * @example 1234
       */
      bytes: number;
    };
    CloneRequest: {
      /**
       * @description https, of a public repository
       * @example https://github.com/expressjs/cors.git
       */
      url: string;
      /**
       * @description Branch, tag or whole commit id; default: the repository's own
       * @example main
       */
      ref?: string;
      /**
       * @description Commits of history; default: all
       * @example 1
       */
      depth?: number;
      /**
       * @description Empty or new directory in the workspace; default: all of it
       * @example cors
       */
      path?: string;
    };
    ClonedRepository: {
      /** @example f038e7722838fd83935674aa8c5bf452766741fb */
      commit: string;
      /**
       * @description Branch or tag; `HEAD` when it is neither
       * @example main
       */
      ref: string;
      /**
       * @description Files that were checked out
       * @example 42
       */
      files: number;
      /**
       * @description Bytes of those files; the history comes on top
       * @example 123456
       */
      bytes: number;
    };
    SnapshotView: {
      /** Format: uuid */
      id: string;
      /** @description Name of the content: the same for the same files, links, directories and modes */
      tree: string;
      /**
       * @description Before or after an execution, before one with `backup`, what a dry run would have left, or before a restore
       * @enum {string}
       */
      kind: 'before' | 'after' | 'backup' | 'dry-run' | 'restore';
      /** Format: uuid */
      executionId?: string;
      /** @description How many files */
      files: number;
      /** @description Bytes of all files */
      bytes: number;
      /** @description Epoch milliseconds */
      createdAt: number;
    };
    SnapshotList: {
      items: components['schemas']['SnapshotView'][];
      /** @description Give it as `cursor` for the next page; absent on the last */
      nextCursor?: string;
    };
    RestoreRequest: {
      /**
       * Format: uuid
       * @description `id` of one of the project’s snapshots
       */
      snapshot: string;
    };
    ChangedFile: {
      /** @example src/hello.ts */
      path: string;
      /** @enum {string} */
      action: 'created' | 'modified' | 'deleted';
      /** @description Bytes; 0 when deleted */
      size: number;
    };
    ChangedDirectory: {
      /** @example src */
      path: string;
      /** @enum {string} */
      action: 'created' | 'modified' | 'deleted';
    };
    RestoredView: {
      /** @description What this call did */
      files: components['schemas']['ChangedFile'][];
      directories?: components['schemas']['ChangedDirectory'][];
      /** @description Directories that stay because they hold more: node_modules, .git, or what came since */
      stayed: string[];
      /**
       * Format: uuid
       * @description Snapshot of the state before: restore it to take this back
       */
      previous: string;
    };
    EgressGrantView: {
      /** @description The project's own, in the spelling in which they are compared */
      hosts: string[];
      /** @description Those of every project (EGRESS_ALLOW) */
      everywhere: string[];
    };
    EgressGrantRequest: {
      /**
       * @description Host names, or `*.` and a name for its sub-domains; they replace those that there were
       * @example [
       *       "github.com",
       *       "registry.npmjs.org",
       *       "*.example.com"
       *     ]
       */
      hosts: string[];
    };
    ExecutionView: {
      /**
       * Format: uuid
       * @example 019a8b5e-7c1d-7000-8000-000000000000
       */
      id: string;
      /** @enum {string} */
      status: 'queued' | 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'timed_out';
      /** @enum {string} */
      action: 'generate' | 'analyze' | 'refactor' | 'review';
      userId: string;
      projectId: string;
      /** @description Epoch milliseconds */
      createdAt: number;
      /** @description Epoch milliseconds */
      startedAt?: number;
      /** @description Epoch milliseconds */
      endedAt?: number;
      /** @description Which start this is; 0 while it waits for its first */
      attempt: number;
      /** @example claude-code */
      engine: string;
      /**
       * Format: uuid
       * @description The batch it was asked for in
       */
      batchId?: string;
      /** @description 0, 1, 2 … in its batch */
      position?: number;
      /**
       * Format: uuid
       * @description The execution whose conversation it goes on in
       */
      continues?: string;
      /** @description What was asked; not in lists */
      request?: components['schemas']['ClaudeCodeRequest'];
      /** @description Once ended; not in lists */
      response?: components['schemas']['ClaudeCodeResponse'];
    };
    ExecutionList: {
      items: components['schemas']['ExecutionView'][];
      /** @description Give it as `cursor` for the next page; absent on the last */
      nextCursor?: string;
    };
    TransitionView: {
      /** @description What this call did */
      files: components['schemas']['ChangedFile'][];
      directories?: components['schemas']['ChangedDirectory'][];
      /** @description Directories that stay because they hold more: node_modules, .git, or what came since */
      stayed: string[];
    };
    WarmView: {
      /**
       * @description ready: the next request starts at once; off: nothing is kept warm, `reason` says why
       * @enum {string}
       */
      status: 'ready' | 'starting' | 'off';
      /**
       * @description Only with `off`, as the metric of misses says it. egress: the project was granted hosts, and the way to them is made when an execution starts; off: POOL_SIZE is 0
       * @enum {string}
       */
      reason?: 'egress' | 'off';
    };
    AuditEntryView: {
      /** @description 1, 2, 3 … without holes */
      id: number;
      /** @description Epoch milliseconds */
      at: number;
      /** @description SHA-256 over the hash before and this entry, hex */
      hash: string;
      /** @enum {string} */
      type:
        | 'execution.accepted'
        | 'execution.ended'
        | 'call.accepted'
        | 'call.ended'
        | 'call.refused'
        | 'egress.connection';
      requestId: string;
      /** @example generate */
      action: string;
      keyId?: string;
      /** @description Whose key it is */
      principalId?: string;
      /** @description The user it was for */
      userId?: string;
      executionId?: string;
      batchId?: string;
      /** @description The execution whose conversation it goes on in */
      continues?: string;
      projectId?: string;
      promptLength?: number;
      /** @description Hex */
      promptSha256?: string;
      success?: boolean;
      /** @description Milliseconds */
      duration?: number;
      tokensUsed?: number;
      /** @enum {string} */
      errorCode?:
        | 'E001'
        | 'E002'
        | 'E003'
        | 'E004'
        | 'E005'
        | 'E006'
        | 'E007'
        | 'E008'
        | 'E009'
        | 'E010'
        | 'E011'
        | 'E012'
        | 'E013'
        | 'E014'
        | 'E015'
        | 'E099';
      remoteAddress?: string;
      /** @description Of egress.connection: the address that was connected to */
      dialledAddress?: string;
      /** @description Of egress.connection: `opened`, or why it was refused */
      outcome?: string;
    };
    AuditPage: {
      items: components['schemas']['AuditEntryView'][];
      /** @description Missing on the last page */
      nextCursor?: string;
    };
    ChainHead: {
      id: number;
      hash: string;
    };
    VerificationView: {
      valid: boolean;
      /** @description Entries that were found in order */
      entries: number;
      /** @description Id of the first entry that was changed, moved or removed */
      brokenAt?: number;
      /** @description The last entry: note it elsewhere to prove later what was there */
      head: components['schemas']['ChainHead'];
    };
    UsageItem: {
      /** @example 2026-11-23 */
      day?: string;
      userId?: string;
      projectId?: string;
      /** @example rehearsal */
      model?: string;
      /** @description Executions */
      requests: number;
      inputTokens: number;
      outputTokens: number;
      cacheCreationTokens: number;
      cacheReadTokens: number;
      /** @description All four together */
      tokens: number;
      /** @description US dollars; models without a known price add nothing */
      costUsd: number;
    };
    UsageReport: {
      items: components['schemas']['UsageItem'][];
      total: components['schemas']['UsageItem'];
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  ClaudeCodeController_run: {
    parameters: {
      query?: never;
      header?: {
        /** @description The same key and body: the same execution */
        'Idempotency-Key'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['ClaudeCodeRequest'];
      };
    };
    responses: {
      200: {
        headers: {
          'X-Execution-Id'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ClaudeCodeResponse'];
          'text/event-stream': components['schemas']['ClaudeCodeResponse'];
        };
      };
    };
  };
  EventsController_stream: {
    parameters: {
      query?: {
        /** @description Only events with a greater number */
        after?: number;
      };
      header?: {
        /** @description As EventSource sends it; goes before `after` */
        'Last-Event-ID'?: string;
      };
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/event-stream': components['schemas']['EventView'];
        };
      };
    };
  };
  EventsController_one: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
        seq: number;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['EventView'];
        };
      };
    };
  };
  BatchesController_list: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
        limit?: number;
        /** @description `nextCursor` of the page before */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['BatchList'];
        };
      };
    };
  };
  BatchesController_submit: {
    parameters: {
      query?: never;
      header?: {
        /** @description The same key and body: the same batch */
        'Idempotency-Key'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['BatchRequest'];
      };
    };
    responses: {
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['BatchView'];
        };
      };
    };
  };
  BatchesController_find: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['BatchView'];
        };
      };
    };
  };
  BatchesController_events: {
    parameters: {
      query?: {
        /** @description Only events with a greater number */
        after?: number;
      };
      header?: {
        /** @description As EventSource sends it, the `batchSeq` of an event; goes before `after` */
        'Last-Event-ID'?: string;
      };
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Events with `batchId`, `batchSeq` and `position`; `batch.updated`, `batch.finished` */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  BatchesController_results: {
    parameters: {
      query?: {
        /** @description `false`: only what has ended by now */
        wait?: 'true' | 'false';
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description `{position, executionId, status, response}` */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  BatchesController_cancel: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['BatchView'];
        };
      };
    };
  };
  KeysController_list: {
    parameters: {
      query?: {
        limit?: unknown;
        /** @description `nextCursor` of the page before; opaque */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['KeyPage'];
        };
      };
    };
  };
  KeysController_create: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['CreateKeyRequest'];
      };
    };
    responses: {
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['CreatedKeyView'];
        };
      };
    };
  };
  KeysController_revoke: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Revoked, now or before */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description E009: no such key */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description E010: the last key with the scope admin */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  CommandsController_list: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['CommandCatalogue'];
        };
      };
    };
  };
  EnginesController_list: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['EngineList'];
        };
      };
    };
  };
  FilesController_list: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['FileList'];
        };
      };
    };
  };
  FilesController_read: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
        /** @description Relative to the workspace, `/` between the parts */
        path: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  FilesController_write: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
        /** @description Relative to the workspace, `/` between the parts */
        path: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/octet-stream': string;
      };
    };
    responses: {
      /** @description 201 when the file is new */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['WrittenFile'];
        };
      };
    };
  };
  FilesController_remove: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
        /** @description Relative to the workspace, `/` between the parts */
        path: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  ArchivesController_upload: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
        /** @description Directory in the workspace; default: all of it */
        path?: string;
        /** @description `merge`: what is not in the upload stays. `replace`: the directory holds the upload and nothing else. */
        mode?: 'merge' | 'replace';
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/gzip': string;
        'application/zip': string;
      };
    };
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['UploadedTree'];
        };
      };
    };
  };
  ArchivesController_download: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
        /** @description Directory in the workspace; default: all of it */
        path?: string;
        format?: 'tar.gz' | 'zip';
        /** @description Also `node_modules` and `.git`, which are left out otherwise */
        everything?: boolean;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/gzip': string;
          'application/zip': string;
        };
      };
    };
  };
  ClonesController_clone: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['CloneRequest'];
      };
    };
    responses: {
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ClonedRepository'];
        };
      };
    };
  };
  SnapshotsController_list: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
        limit?: number;
        /** @description `nextCursor` of the page before */
        cursor?: string;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SnapshotList'];
        };
      };
    };
  };
  SnapshotsController_restore: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['RestoreRequest'];
      };
    };
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RestoredView'];
        };
      };
    };
  };
  EgressController_read: {
    parameters: {
      query?: {
        /** @description Another user's project; by default the key's own user's */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['EgressGrantView'];
        };
      };
    };
  };
  EgressController_replace: {
    parameters: {
      query?: {
        /** @description Another user's project; by default the key's own user's */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['EgressGrantRequest'];
      };
    };
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['EgressGrantView'];
        };
      };
    };
  };
  EgressController_remove: {
    parameters: {
      query?: {
        /** @description Another user's project; by default the key's own user's */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  ExecutionsController_list: {
    parameters: {
      query?: {
        status?: 'queued' | 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'timed_out';
        projectId?: string;
        action?: 'generate' | 'analyze' | 'refactor' | 'review';
        /** @description Only those of this batch */
        batchId?: string;
        /** @description Another user's, with the scope act-as */
        userId?: string;
        limit?: number;
        /** @description `nextCursor` of the page before */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ExecutionList'];
        };
      };
    };
  };
  ExecutionsController_submit: {
    parameters: {
      query?: never;
      header?: {
        /** @description The same key and body: the same execution */
        'Idempotency-Key'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['ClaudeCodeRequest'];
      };
    };
    responses: {
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ExecutionView'];
        };
      };
    };
  };
  ExecutionsController_find: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ExecutionView'];
        };
      };
    };
  };
  ExecutionsController_cancel: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ExecutionView'];
        };
      };
    };
  };
  ChangesController_find: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  ChangesController_apply: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['TransitionView'];
        };
      };
    };
  };
  ChangesController_revert: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['TransitionView'];
        };
      };
    };
  };
  WarmController_warm: {
    parameters: {
      query?: {
        /** @description Another user's, with the scope act-as */
        userId?: string;
      };
      header?: never;
      path: {
        projectId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['WarmView'];
        };
      };
    };
  };
  AuditController_read: {
    parameters: {
      query?: {
        limit?: unknown;
        /** @description Id of the last entry of the page before */
        cursor?: string;
        /** @description Epoch milliseconds: entries of then or later */
        from?: number;
        /** @description Epoch milliseconds: entries before then */
        to?: number;
        /** @description admin: check the chain instead of listing it */
        verify?: 'true' | 'false';
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AuditPage'] | components['schemas']['VerificationView'];
        };
      };
    };
  };
  UsageController_read: {
    parameters: {
      query?: {
        /** @description First day, UTC */
        from?: string;
        /** @description Last day, UTC */
        to?: string;
        /** @description One or more of day, user, project, model, separated by commas */
        groupBy?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['UsageReport'];
        };
      };
    };
  };
  MetricsController_index: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/plain': string;
        };
      };
    };
  };
  HealthController_live: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          /**
           * @example {
           *       "status": "ok",
           *       "details": {}
           *     }
           */
          'application/json': unknown;
        };
      };
    };
  };
  HealthController_startup: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          /**
           * @example {
           *       "status": "ok",
           *       "details": {
           *         "database": {
           *           "status": "up"
           *         }
           *       }
           *     }
           */
          'application/json': unknown;
        };
      };
      /** @description E012; `error.details` says what is missing */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  HealthController_ready: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          /**
           * @example {
           *       "status": "ok",
           *       "details": {
           *         "database": {
           *           "status": "up"
           *         },
           *         "queue": {
           *           "status": "up"
           *         },
           *         "sandbox": {
           *           "status": "up"
           *         },
           *         "lifecycle": {
           *           "status": "up"
           *         }
           *       }
           *     }
           */
          'application/json': unknown;
        };
      };
      /** @description E012; `error.details` says what is missing and what mends it */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
}
