let jobIds = 0

/** The first of so many numbers that no other jobs of this process have. */
export const newJobIds = (jobs: number): number => {
  jobIds += jobs
  return jobIds - jobs
}
