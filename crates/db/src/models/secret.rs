//! Rows that carry a secret of their own until it is forgotten: its data key, wrapped (`kek_id`, `wrapped`), and what is sealed with that
//! (`sealed`), all three or none.

/// For the row `$row` of `$table`, whose key `$owner` also owns the secret: opening it by `$open`, and wrapping its data key anew. What it is
/// sealed as are the module's `KIND` and `VERSION`.
macro_rules! carries_secret {
    ($row:ident, $table:ident, $owner:ident, $(#[$doc:meta])* $open:ident) => {
        impl $row {
            $(#[$doc])*
            pub fn $open(
                &self,
                ring: &$crate::seal::KeyRing,
            ) -> Result<Option<secrecy::SecretSlice<u8>>, $crate::seal::SealError> {
                let (Some(kek_id), Some(bytes), Some(sealed)) = (&self.kek_id, &self.wrapped, &self.sealed) else { return Ok(None) };
                let wrapped = $crate::seal::Wrapped { kek_id: kek_id.clone(), bytes: bytes.clone() };
                ring.unwrap(self.$owner, &wrapped)?.open(KIND, VERSION, sealed).map(Some)
            }

            /// Wraps up to `limit` data keys anew that another than the current key-encryption key wraps; how many it were.
            pub async fn rewrap(
                conn: &mut $crate::Conn,
                ring: &$crate::seal::KeyRing,
                limit: i64,
            ) -> Result<usize, $crate::models::identity::SealedError> {
                let stale: Vec<Self> = $table::table
                    .filter($table::kek_id.ne(ring.current()))
                    .limit(limit)
                    .for_update()
                    .skip_locked()
                    .select(Self::as_select())
                    .load(conn)
                    .await?;
                for Self { $owner, kek_id, wrapped, .. } in &stale {
                    let before = $crate::seal::Wrapped {
                        kek_id: kek_id.clone().unwrap_or_default(),
                        bytes: wrapped.clone().unwrap_or_default(),
                    };
                    let $crate::seal::Wrapped { kek_id, bytes } = ring.wrap(&ring.unwrap(*$owner, &before)?);
                    let set = ($table::kek_id.eq(kek_id), $table::wrapped.eq(bytes));
                    diesel::update($table::table.find($owner)).set(set).execute(conn).await?;
                }
                Ok(stale.len())
            }
        }
    };
}

pub(super) use carries_secret;
