/** Marks the routes whose audit entry is written with the execution they accept, in one transaction. */
import { SetMetadata } from '@nestjs/common';

export const AUDITED_BY_EXECUTION_KEY = 'caisson:audited-by-execution';

export const AuditedByExecution = () => SetMetadata(AUDITED_BY_EXECUTION_KEY, true);
