/** API keys as clients see them. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayNotEmpty, ArrayUnique, IsArray, IsIn, IsString, Length, Matches } from 'class-validator';
import type { ApiKey, NewApiKey } from './api-keys.js';
import type { Page } from './page.js';
import { WITHOUT_NUL } from './id.pipe.js';
import { NAME_PATTERN, type Scope, SCOPES } from './principal.js';

export class CreateKeyRequest implements NewApiKey {
  @ApiProperty({ example: 'alice', description: 'Whose key it is' })
  @IsString()
  @Matches(NAME_PATTERN, {
    message:
      '$property must be 1 to 128 letters, digits, ".", "_", "@" or "-", beginning with a letter or digit',
  })
  userId!: string;

  @ApiProperty({ example: "alice's laptop", description: 'To recognise it by' })
  @IsString()
  @Length(1, 100)
  @Matches(WITHOUT_NUL)
  name!: string;

  @ApiProperty({ enum: SCOPES, isArray: true, example: ['run', 'read'] })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(SCOPES, { each: true })
  scopes!: Scope[];
}

export class KeyView implements ApiKey {
  @ApiProperty({ example: '01932c5e-8f00-7000-8000-000000000000' })
  id!: string;

  @ApiProperty({ example: 'csk_9Xk2fQa1', description: 'First characters of the secret' })
  prefix!: string;

  @ApiProperty({ example: 'alice' })
  userId!: string;

  @ApiProperty({ example: "alice's laptop" })
  name!: string;

  @ApiProperty({ enum: SCOPES, isArray: true })
  scopes!: Scope[];

  @ApiProperty({ description: 'Epoch milliseconds' })
  createdAt!: number;

  @ApiPropertyOptional({ description: 'Epoch milliseconds' })
  revokedAt?: number;
}

export class CreatedKeyView extends KeyView {
  @ApiProperty({ description: 'Shown this once' })
  secret!: string;
}

export class KeyPage implements Page<KeyView> {
  @ApiProperty({ type: [KeyView] })
  items!: KeyView[];

  @ApiPropertyOptional({ description: 'Missing on the last page' })
  nextCursor?: string;
}
