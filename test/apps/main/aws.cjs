const { play } = require('../../fixtures/aws/play.cjs');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');

play(
  {
    s3: require('@aws-sdk/client-s3'),
    dynamodb: require('@aws-sdk/client-dynamodb'),
    lambda: require('@aws-sdk/client-lambda'),
    sqs: require('@aws-sdk/client-sqs'),
    sns: require('@aws-sdk/client-sns'),
    getSignedUrl,
  },
  process.env,
);
