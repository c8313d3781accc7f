-- Version 2: accounts that were imported are found by their ids. A change is a file of its own; what is here never changes.

CREATE TABLE scrip.imported (
  bucket smallint NOT NULL,
  studio integer NOT NULL,
  id text NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (bucket, studio, id)
);
COMMENT ON TABLE scrip.imported IS 'Accounts of another store''s journal, which keep their numbers: where one''s number is not of its id''s bucket, a row here leads from the id to it. Only an import adds rows.';
COMMENT ON COLUMN scrip.imported.bucket IS 'The bucket of the id: docs/seals.md says how it is made.';
COMMENT ON COLUMN scrip.imported.studio IS 'Whose customer it is: see studios.';
COMMENT ON COLUMN scrip.imported.id IS 'The studio''s own id of it; the row goes when its texts are erased.';
COMMENT ON COLUMN scrip.imported.number IS 'The account''s number, of whatever bucket.';

-- Whoever may read accounts may read this; whoever may change them may erase here.
DO $$
DECLARE may record;
BEGIN
  FOR may IN
    SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS who,
           CASE acl.privilege_type WHEN 'SELECT' THEN 'SELECT' ELSE 'DELETE' END AS what
    FROM pg_class t, aclexplode(t.relacl) AS acl
    WHERE t.oid = 'scrip.accounts'::regclass AND acl.privilege_type IN ('SELECT', 'UPDATE') AND acl.grantee <> t.relowner
  LOOP
    EXECUTE format('GRANT %s ON scrip.imported TO %s', may.what, may.who);
  END LOOP;
END $$;
