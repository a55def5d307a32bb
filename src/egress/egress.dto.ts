/** Grants as clients see them. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateBy,
} from 'class-validator';
import { NAME_PATTERN } from '../access/principal.js';
import { hostPattern } from '../config/host-pattern.js';

/** Every connection looks through them. */
const MAX_HOSTS = 100;

const IsHostPattern = () =>
  ValidateBy(
    {
      name: 'isHostPattern',
      validator: {
        validate: (value) => typeof value === 'string' && hostPattern(value) !== undefined,
        defaultMessage: () =>
          'each of $property must be a host name, or "*." and a registered domain for its sub-domains; no address, no wildcard over what many own (*.com)',
      },
    },
    { each: true },
  );

export class EgressUserQuery {
  @ApiPropertyOptional({ description: "Another user's project; by default the key's own user's" })
  @IsOptional()
  @Matches(NAME_PATTERN)
  userId?: string;
}

export class EgressGrantRequest {
  @ApiProperty({
    type: [String],
    example: ['github.com', 'registry.npmjs.org', '*.example.com'],
    description: 'Host names, or `*.` and a name for its sub-domains; they replace those that there were',
  })
  @IsArray()
  @ArrayMaxSize(MAX_HOSTS)
  @IsString({ each: true })
  @MaxLength(260, { each: true })
  @IsHostPattern()
  @Transform(({ value }: { value: unknown }) => inOneSpelling(value))
  @ArrayUnique()
  hosts!: string[];
}

export class EgressGrantView {
  @ApiProperty({
    type: [String],
    description: "The project's own, in the spelling in which they are compared",
  })
  hosts!: string[];

  @ApiProperty({ type: [String], description: 'Those of every project (EGRESS_ALLOW)' })
  everywhere!: readonly string[];
}

/** What is no pattern stays as it is, to be refused by name. */
const inOneSpelling = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map((host: unknown) => (typeof host === 'string' ? (hostPattern(host) ?? host) : host))
    : value;
