//! Ids of rows. All are below 2^63, so that a database's signed integer holds them.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), self.0)
            }
        }
    };
}

id!(
    /// A chunk; below 2^52, because it is part of every record's id.
    ChunkId,
    13
);
id!(
    /// An attempt: a job, or a group of calls.
    AttemptId,
    16
);
id!(
    /// A pool.
    PoolId,
    1
);
