-- A plain durable queue in PostgreSQL: a row a request, taken in, claimed and completed 512 at a time, each a transaction.
-- All of it runs in the server, so no client's time is counted: what a queue of this kind needs at the least.
CREATE TABLE request (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL DEFAULT 'pending',
    body text NOT NULL,
    answer text
);
CREATE INDEX request_pending ON request (id) WHERE state = 'pending';

-- What comes in, made beforehand: bodies that do not compress, as prompts hardly do in a page.
CREATE UNLOGGED TABLE source (id bigint PRIMARY KEY, body text NOT NULL);

CREATE PROCEDURE prepare(requests bigint, body_bytes int) LANGUAGE sql AS $$
    INSERT INTO source
    SELECT one, left(string_agg(md5(random()::text), ''), body_bytes)
    FROM generate_series(1, requests) AS one, generate_series(1, body_bytes / 32 + 1)
    GROUP BY one;
$$;

CREATE PROCEDURE intake(requests bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR begins IN 1..requests::int BY 512 LOOP
        INSERT INTO request (body) SELECT body FROM source WHERE id >= begins AND id < begins + 512;
        COMMIT;
    END LOOP;
END $$;

CREATE PROCEDURE complete(answer_bytes int) LANGUAGE plpgsql AS $$
DECLARE
    claimed bigint[];
BEGIN
    LOOP
        WITH next AS (SELECT id FROM request WHERE state = 'pending' ORDER BY id LIMIT 512 FOR UPDATE SKIP LOCKED),
        taken AS (UPDATE request SET state = 'claimed' WHERE id IN (SELECT id FROM next) RETURNING id)
        SELECT array_agg(id) INTO claimed FROM taken;
        COMMIT;
        EXIT WHEN claimed IS NULL;
        UPDATE request SET state = 'completed', answer = repeat(md5(id::text), answer_bytes / 32) WHERE id = ANY (claimed);
        COMMIT;
    END LOOP;
END $$;
