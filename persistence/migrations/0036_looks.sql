-- Of what rests nobody asks its provider any more, whose message may be lost for good:
-- a refund that somebody made there, or that failed late, money that came late. So each
-- attempt is looked at now and then, ever more seldom (server/shop/orders/attempts.py).
ALTER TABLE payment ADD COLUMN look_at timestamptz DEFAULT now() + interval '30 minutes';
COMMENT ON COLUMN payment.look_at IS
    'when its provider is asked next, whatever it told; null once that is over';
CREATE INDEX payment_looked ON payment (look_at) WHERE look_at IS NOT NULL;
